"""The queries of forums' databases: what the file of a program says, as SQL."""

import pytest

from worker.archives.databases.queries import Query
from worker.archives.readers.meaning.shapes import Known, Shape

SHAPES = Known.all().databases


def query(shape: Shape, *more: str) -> Query:
    """Return the query of a database with the columns it must have, and *more*."""
    assert shape.database is not None
    key, _, column = shape.fields["id"].split("|")[0].rpartition(".")
    tables = {"": shape.table, **{one.name: one.table for one in shape.lookups}}
    needed = {*shape.database.required, f"{tables[key]}.{column}"}
    return Query(shape, shape.database, frozenset({*needed, *more}))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("phpbb", {"title", "body", "category", "closed"}),
        ("discourse", {"body", "answers", "closed"}),
    ],
)
def test_what_a_database_lacks_is_not_asked_for(name: str, fields: set[str]) -> None:
    assert query(SHAPES[name]).fields().keys() == fields


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("phpbb", "topics.topic_visibility", "COALESCE({t.topic_visibility AS CHAR}, '') IN ('2')"),
        ("phpbb", "forums.forum_password", "{forum.forum_password AS CHAR} NOT IN ('', '0'"),
        ("mybb", "threads.closed", "COALESCE({t.closed AS CHAR}, '') REGEXP '^moved'"),
        ("mybb", "forums.fid", "(forum.fid IS NULL)"),
        ("smf", "boards.name", "NOT {board.member_groups AS CHAR} REGEXP '(^|,)(-1|0)(,|$)'"),
        ("discourse", "topics.visible", "COALESCE({t.visible AS text}, '') IN ('0', 'false')"),
        ("misago", "misago_threads_post.is_hidden", "{post.is_hidden AS text} IN ('1', 'true')"),
    ],
)  # fmt: skip
def test_a_condition_is_asked_of_the_database(name: str, column: str, expected: str) -> None:
    page = query(SHAPES[name], column, *_dates(SHAPES[name])).page("x_", is_since=False, limit=5)

    assert expected.replace("{", "LOWER(CAST(").replace("}", "))") in page


def test_only_the_lookups_that_are_joined_stand_in_the_query() -> None:
    page = query(SHAPES["discourse"], "posts.post_number", "topics.created_at").page(
        "", is_since=True, limit=7
    )

    assert "LEFT JOIN posts post ON post.topic_id = " in page
    assert "LOWER(CAST(post.post_number AS text)) IN ('1')" in page
    assert page.endswith("AND (t.created_at) >= %(since)s ORDER BY t.id LIMIT 7")


def _dates(shape: Shape) -> list[str]:
    tables = {"": shape.table, **{one.name: one.table for one in shape.lookups}}
    paths = shape.fields["asked_at"].split("|")
    return [f"{tables[one.rpartition('.')[0]]}.{one.rpartition('.')[2]}" for one in paths]
