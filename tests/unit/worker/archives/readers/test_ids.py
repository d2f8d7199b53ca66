"""Ids in columns that only sometimes have them."""

import pytest

from worker.archives.load_job import Format
from worker.archives.readers.ids import unique
from worker.archives.readers.records import Row
from worker.archives.readers.table import Table


def table(columns: dict[str, list[object]]) -> Table:
    """Return a table with these *columns*."""
    rows = [
        Row(line, dict(zip(columns, row, strict=True)))
        for line, row in enumerate(zip(*columns.values(), strict=True), start=1)
    ]
    return Table("t", list(columns), Format.CSV, "utf-8", [lambda _: iter(rows)])


@pytest.mark.parametrize(
    "name", ["ref", "Reference", "no", "No.", "case_number", "faq_id", "code", "slug", "record_id"]
)
def test_a_column_whose_values_all_differ_has_the_ids(name: str) -> None:
    assert unique([table({name: ["A-1", "A-2"]})], ()) == name


@pytest.mark.parametrize(
    "values", [["A", "A"], ["A", ""], ["A", None], ["A", "NULL"], [True, False]]
)
def test_values_that_repeat_or_are_missing_are_no_ids(values: list[object]) -> None:
    assert unique([table({"ref": values})], ()) is None


@pytest.mark.parametrize("name", ["user_id", "author_no", "#", "index", "row", "views", "email"])
def test_columns_of_other_things_are_no_ids(name: str) -> None:
    assert unique([table({name: [1, 2]})], ()) is None


def test_a_column_with_another_meaning_is_not_taken() -> None:
    assert unique([table({"ref": [1, 2]})], ["ref"]) is None
