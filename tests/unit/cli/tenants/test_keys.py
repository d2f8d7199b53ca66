"""What the list of keys says of each."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.tenants import keys
from tests.rows.records import key_row

PAST, FUTURE = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "valid"),
        ({"expires_at": FUTURE}, "valid"),
        ({"expires_at": PAST}, "expired"),
        ({"revoked_at": PAST}, "revoked"),
        ({"revoked_at": PAST, "expires_at": PAST}, "revoked"),
    ],
)
def test_only_a_key_that_opens_something_is_valid(changes: dict[str, datetime], state: str) -> None:
    assert keys._state(key_row("submit", **changes)) == state  # noqa: SLF001  # pure
