"""A small part of the broken files; `python -m tests.faults.mutants` reads thousands."""

from itertools import islice

from tests.faults.mutants import fault_of, mutants


def test_no_broken_file_is_the_readers_fault() -> None:
    faults = [fault_of(name, data) for name, data in islice(mutants(11, 1), 0, None, 2)]

    assert [one for one in faults if one] == []
