"""Statements behind the rows of a dump do to them what a database would do."""

import io
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.tabular.sqlchanges import parse
from worker.archives.readers.tabular.sqldump import SqlDump

HEAD = "PRAGMA foreign_keys=OFF;\nCREATE TABLE q (id TEXT, title TEXT);\n"
VALUE = st.sampled_from(["'1'", "'2'", "'3'", "'it''s; id=1'", "NULL"])
KNOWN = VALUE.filter(lambda value: value != "NULL")
COLUMN = st.sampled_from(["id", '"title"', "q.id", "TITLE"])
TERM = st.builds("{} = {}".format, COLUMN, KNOWN) | st.builds(
    "({} IN ({}, {}))".format, COLUMN, KNOWN, KNOWN
)
WHERE = st.just("") | st.lists(TERM, min_size=1, max_size=2).map(
    lambda terms: f" WHERE {' OR '.join(terms)}"
)
STATEMENT = (
    st.builds("INSERT INTO q VALUES ({}, {})".format, VALUE, VALUE)
    | WHERE.map("DELETE FROM q{}".format)
    | st.builds("UPDATE q SET {} = {}{}".format, st.sampled_from(["id", "title"]), VALUE, WHERE)
)


@settings(max_examples=100)
@given(st.lists(STATEMENT, min_size=1, max_size=8))
def test_the_rows_are_those_that_sqlite_has_at_the_end(statements: list[str]) -> None:
    text = HEAD + "".join(f"{one};\n" for one in statements)
    with sqlite3.connect(":memory:") as database:
        database.executescript(text)
        kept = sorted(map(repr, database.execute("SELECT id, title FROM q")))
    database.close()

    found = [row.values for row in SqlDump(lambda: io.BytesIO(text.encode())).rows("q")]

    assert sorted(repr(tuple(row.values())) for row in found if not isinstance(row, str)) == kept


@pytest.mark.parametrize(
    "rest",
    [
        " WHERE id > 3;", " WHERE id = 3 AND title = 'a';", " WHERE id = 3 LIMIT 1;", " AS x;",
        " WHERE id = NULL;", " WHERE other = 3;", " WHERE id = 3.5;", " WHERE id IN (SELECT 3);",
        " WHERE NOT id = 3;", " SET title = id;", " SET views = views + 1 WHERE id = 3;",
        " WHERE id = 3",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_a_database(rest: str) -> None:
    assert parse(f"q{rest}", 1, ["id", "title"], is_mysql=True) is None
