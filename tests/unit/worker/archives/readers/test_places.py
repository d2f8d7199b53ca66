"""Forums and categories that are hidden with all that is in them."""

import pytest

from worker.archives.load_job import Format
from worker.archives.readers.places import (
    InsideHiddenError,
    closed,
    refuse_closed,
    refuse_inside_hidden,
)
from worker.archives.readers.records import Row
from worker.archives.readers.table import Table


def table(name: str, rows: list[dict[str, object]], path: tuple[str, ...] | None = None) -> Table:
    """Return a table of these *rows*."""
    found = [Row(line, row) for line, row in enumerate(rows, start=1)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return Table(name, columns, Format.JSON, "utf-8", [lambda _: iter(found)], path=path)


TOPICS = table("topics", [{"id": 7, "category_id": 1}, {"id": 8, "category_id": 2}])


@pytest.mark.parametrize(
    "hides",
    [{"private": True}, {"visibility": "staff"}, {"status": "hidden"}, {"name": "Staff only"}],
)
def test_a_category_that_is_hidden_hides_its_topics(hides: dict[str, object]) -> None:
    shows = dict.fromkeys(hides, "public")
    categories = table("forum_categories", [{"id": 1, **shows}, {"id": 2, **hides}])

    lookups, rules = closed(TOPICS, [categories])

    assert [(lookup.key, lookup.via) for lookup, _ in lookups] == [("id", "category_id")]
    assert {reason for reason, _ in rules} == {"closed category"}


@pytest.mark.parametrize(
    "other",
    [
        table("categories", [{"id": 1, "private": False}]),
        table("users", [{"id": 1, "private": True}]),
        table("boards", [{"id": 1, "private": True}]),
        table("categories", [{"id": 99, "private": True}]),
    ],
    ids=["open", "persons", "others", "elsewhere"],
)
def test_a_table_that_hides_no_topic_is_not_looked_up(other: Table) -> None:
    assert closed(TOPICS, [other]) == ([], [])


def test_what_the_user_decided_is_not_looked_up() -> None:
    categories = table("categories", [{"id": 2, "private": True}])

    assert closed(TOPICS, [categories], ["category_id"]) == ([], [])


@pytest.mark.parametrize("row", [{"private": False}, {"access": "staff"}, {"name": "Moderators"}])
def test_topics_inside_something_that_may_be_hidden_are_refused(row: dict[str, object]) -> None:
    inside = table("topics", [{"id": 7}], ("forums", "topics"))

    with pytest.raises(InsideHiddenError):
        refuse_inside_hidden(inside, [table("forums", [row], ("forums",))])


@pytest.mark.parametrize("row", [{"access": "all"}, {"name": "Cooking"}, {"status": "open"}])
def test_topics_inside_something_open_are_read(row: dict[str, object]) -> None:
    inside = table("topics", [{"id": 7}], ("forums", "topics"))

    refuse_inside_hidden(inside, [table("forums", [row], ("forums",))])
    with pytest.raises(InsideHiddenError):  # one object more, and that one is hidden
        refuse_inside_hidden(inside, [table("forums", [row, {"private": True}], ("forums",))])


@pytest.mark.parametrize("name", ["Staff only", "Moderators", "internal"])
def test_of_several_tables_one_that_is_closed_by_its_name_is_asked_about(name: str) -> None:
    tables = [table("Open", [{"id": 1}]), table(name, [{"id": 2}])]

    with pytest.raises(InsideHiddenError, match=f"{name}, by its name.*--records Open"):
        refuse_closed(tables)
