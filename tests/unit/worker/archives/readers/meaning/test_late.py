"""Keys that only later rows have."""

from worker.archives.readers.meaning.hiding import Rule
from worker.archives.readers.meaning.late import Late
from worker.archives.readers.records import ManyRows, Row


def learned(*values: dict[str, object], is_deep: bool = True) -> list[str]:
    """Return the columns of the rules that rows of *values* teach, of which a table knew ``id``."""
    rules: list[Rule] = []
    rows = [Row(line, value) for line, value in enumerate(values, start=1)]
    assert list(Late({"id"}, is_deep=is_deep).rows(iter(rows), rules.extend)) == rows
    return [rule.column for _, rule in rules]


def test_a_new_key_that_may_hide_is_learned_once() -> None:
    assert learned({"id": 1}, {"id": 2, "deleted": True}, {"id": 3, "deleted": True}) == ["deleted"]


def test_a_new_key_that_says_nothing_teaches_nothing() -> None:
    assert learned({"id": 1, "views": 3}) == []


def test_keys_of_objects_count_if_nothing_is_known_of_them() -> None:
    row: dict[str, object] = {"id": 1, "meta": {"hidden": True}}

    assert learned(row) == ["meta.hidden"]
    assert learned(row, is_deep=False) == []


def test_rows_that_were_read_together_are_looked_at_too() -> None:
    rules: list[Rule] = []
    many = ManyRows([1, 2], {"id": (1, 2), "meta": ({"hidden": False}, None)})

    list(Late({"id"}, is_deep=True).rows(iter([many]), rules.extend))

    assert [rule.column for _, rule in rules] == ["meta.hidden"]
