"""What the values of a column say of who may read a row."""

import pytest

from worker.archives.load_job import Format
from worker.archives.readers.records import Row, UnreadableArchiveError
from worker.archives.readers.shown import unsaid
from worker.archives.readers.table import Table


def hidden(name: str, values: list[object]) -> list[object]:
    """Return the *values* of a column that the rules of their table hide."""
    rows = [Row(line, {name: value}) for line, value in enumerate(values, start=1)]
    table = Table("t", [name], Format.CSV, "utf-8", [lambda _: iter(rows)])
    rules = [rule for _, rule in unsaid([table], [name])]
    return [value for value in values if any(rule.is_met({name: value}) for rule in rules)]


@pytest.mark.parametrize("name", ["is_public", "approved", "published", "approved_by"])
@pytest.mark.parametrize("says", ["1", "checked", "ann"])
def test_an_empty_flag_hides_if_other_rows_have_it(name: str, says: str) -> None:
    assert hidden(name, [says, "", None]) == ["", None]


def test_a_flag_that_no_row_has_hides_nothing() -> None:
    assert hidden("approved", ["", None]) == []


@pytest.mark.parametrize("values", [["1", "2"], ["A", "D"], [0, 1], ["t", "f"]])
def test_codes_that_nobody_explained_are_asked_about(values: list[object]) -> None:
    with pytest.raises(UnreadableArchiveError, match="status has the values"):
        hidden("status", values)


def test_one_code_hides_later_rows_with_another() -> None:
    assert hidden("status", ["1", "open"]) == ["open"]
