"""A small part of the fuzz; `python -m tests.faults.fuzz` sends 20,000 requests."""

from tests.faults.fuzz import fuzz
from tests.servers.api_service import Factory


def test_no_hostile_request_is_the_services_fault(committed: Factory) -> None:
    fuzzed = fuzz(committed, 7, 150)

    assert fuzzed.failed == []
    assert len(fuzzed.statuses) > 4  # some requests passed the authentication
