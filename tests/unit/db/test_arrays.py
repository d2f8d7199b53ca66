"""Columns as the text of arrays."""

from datetime import UTC, datetime
from enum import StrEnum

import pytest

from db.arrays import array_of


class Kind(StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "{}"),
        ([None, None], "{NULL,NULL}"),
        (["a", None, ""], '{"a",NULL,""}'),
        (["NULL", 'say "x"', "a\\b", "{,}"], '{"NULL","say \\"x\\"","a\\\\b","{,}"}'),
        ([Kind.ONE], '{"one"}'),
        ([True, False, None], "{t,f,NULL}"),
        ([-3, None, 2**62], "{-3,NULL,4611686018427387904}"),
        ([0.1, 1e-7], "{0.1,1e-07}"),
        ([b"\x00\xff", b""], '{"\\\\x00ff","\\\\x"}'),
        ([datetime(2026, 5, 1, tzinfo=UTC)], '{"2026-05-01T00:00:00+00:00"}'),
    ],
)
def test_values_are_written_as_postgres_reads_them(values: list[object], text: str) -> None:
    assert array_of(values) == text
