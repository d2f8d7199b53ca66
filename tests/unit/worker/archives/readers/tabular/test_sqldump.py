"""Rows come back from dumps of MySQL, PostgreSQL, SQLite and SQL Server as they were stored."""

# ruff: noqa: S608  # texts of files: no database is asked

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.tabular.sqldump import SqlDump, bare_name, is_dump

CELLS = st.none() | st.text("ab'\"\\\n;(),\t$-`\u00e9 ", max_size=9)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5)
COLUMNS = ("title", "body")


def mysql(cell: str | None) -> str:
    if cell is None:
        return "NULL"
    for sign, code in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        cell = cell.replace(sign, code)
    return f"'{cell}'"


def standard(cell: str | None) -> str:
    return "NULL" if cell is None else "'" + cell.replace("'", "''") + "'"


def escaped(cell: str | None) -> str:
    return "NULL" if cell is None else "E" + mysql(cell)


HEADS = {
    "mysql": "-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\n",
    "postgresql": "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n",
    "sqlite": "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n",
}
WRITERS: dict[str, tuple[str, Callable[[str | None], str]]] = {
    "mysql": ("mysql", mysql),
    "postgresql": ("postgresql", standard),
    "postgresql with escapes": ("postgresql", escaped),
    "sqlite": ("sqlite", standard),
}


def read(text: str, table: str = "topics") -> list[object]:
    dump = SqlDump(lambda: io.BytesIO(text.encode()))
    return [row.values for row in dump.rows(table)]


def looked(text: str) -> dict[str, list[str]]:
    return SqlDump(lambda: io.BytesIO(text.encode())).look()


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=40)
@given(ROWS)
def test_rows_of_inserts_come_back(writer: str, rows: list[tuple[str | None, ...]]) -> None:
    head, write = WRITERS[writer]
    values = ",\n".join(f"({', '.join(map(write, row))})" for row in rows)

    found = read(f"{HEADS[head]}INSERT INTO topics (title, body) VALUES {values};\n")

    assert found == [dict(zip(COLUMNS, row, strict=True)) for row in rows]


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=40)
@given(ROWS)
def test_rows_of_other_tables_are_passed_over_whatever_they_hold(
    writer: str, rows: list[tuple[str | None, ...]]
) -> None:
    head, write = WRITERS[writer]
    others = "".join(
        f"INSERT INTO posts (a, b) VALUES ({', '.join(map(write, row))});\n" for row in rows
    )
    ours = "INSERT INTO topics (title, body) VALUES ('Why?', NULL);\n"

    assert read(f"{HEADS[head]}{others}{ours}{others}") == [{"title": "Why?", "body": None}]


@settings(max_examples=40)
@given(ROWS)
def test_rows_of_copy_come_back(rows: list[tuple[str | None, ...]]) -> None:
    codes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n"}

    def write(cell: str | None) -> str:
        return "\\N" if cell is None else "".join(codes.get(char, char) for char in cell)

    lines = "".join("\t".join(map(write, row)) + "\n" for row in rows)
    text = f"{HEADS['postgresql']}COPY public.topics (title, body) FROM stdin;\n{lines}\\.\n"

    assert read(text) == [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert read(f"{text}INSERT INTO later (a) VALUES ('b');", "later") == [{"a": "b"}]


CREATE = """
CREATE TABLE `topics` (
  `id` int(11) NOT NULL AUTO_INCREMENT, -- a comment, with (signs)
  `title` varchar(200) DEFAULT 'a,)b' COMMENT 'x, y',
  "body" text CHECK (length("body") > 0),
  [key] int,
  `primary` int,
  PRIMARY KEY (`id`),
  UNIQUE KEY `t` (`title`, `body`),
  CONSTRAINT c FOREIGN KEY (x) REFERENCES y (z)
) ENGINE=InnoDB;
"""


def test_columns_are_those_of_the_table_where_an_insert_names_none() -> None:
    text = f"{HEADS['mysql']}{CREATE}INSERT INTO `topics` VALUES (1,'Why?',NULL,2,3);\n"

    assert looked(text) == {"topics": ["id", "title", "body", "key", "primary"]}
    assert read(text) == [{"id": "1", "title": "Why?", "body": None, "key": "2", "primary": "3"}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("NULL", None),
        ("null", None),
        ("-1.5", "-1.5"),
        ("'a'::text", "a"),
        ("'2024-05-01'::timestamp without time zone", "2024-05-01"),
        ("'{a,b}'::text[]", "{a,b}"),
        ("N'na\u00efve'", "na\u00efve"),
        ("X'4142'", b"AB"),
        ("replace('a\\nb','\\n',char(10))", "a\nb"),
        ("replace(replace('a\\r\\nb','\\r',char(13)),'\\n',char(10))", "a\r\nb"),
        ("unistr('caf\\u00e9')", "caf\u00e9"),
        ("to_date('2024-05-01', 'YYYY-MM-DD')", "2024-05-01"),
        ("CAST(N'2024' AS DateTime)", "2024"),
        ("true", "true"),
        ("''", ""),
    ],
)
def test_values_that_are_no_plain_texts(written: str, value: object) -> None:
    text = f"{HEADS['sqlite']}INSERT INTO topics (a, b) VALUES ({written}, {written});"

    assert read(text) == [{"a": value, "b": value}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0x4142", b"AB"),
        ("_binary 'ab'", "ab"),
        ("'it''s \\'so\\''", "it's 'so'"),
        ("'a\\0b\\Zc\\%'", "abc%"),
        ("'\\r\\t\\b'", "\r\t\b"),
        ("0x414", "0x414"),
    ],
)
def test_values_of_mysql(written: str, value: object) -> None:
    text = f"{HEADS['mysql']}INSERT INTO topics (a) VALUES ({written});"

    assert read(text) == [{"a": value}]


@pytest.mark.parametrize(
    "before",
    [
        "-- INSERT INTO topics VALUES ('no');\n",
        "/* INSERT INTO topics VALUES ('no'); */\n",
        "CREATE FUNCTION f() AS $$ INSERT INTO topics VALUES ('no'); $$ LANGUAGE sql;\n",
        "CREATE FUNCTION f() AS $body$ a; $$ ; $body$;\n",
        "SELECT 'it''s; so', \"a;b\", `c;d`;\n",
        "SET x = 'INSERT INTO topics VALUES (1)';\n",
        "SELECT $1; SELECT a$b;\n",
        ";;;\n\n",
    ],
)
def test_what_stands_before_is_passed_over(before: str) -> None:
    text = f"{HEADS['postgresql']}{before}INSERT INTO topics (a) VALUES ('yes');"

    assert read(text) == [{"a": "yes"}]


def test_each_batch_of_sql_server_ends_without_a_semicolon() -> None:
    text = (
        "SET IDENTITY_INSERT [dbo].[topics] ON\nGO\n"
        "INSERT [dbo].[topics] ([id], [title]) VALUES (1, N'Why?')\n"
        "INSERT [dbo].[topics] ([id], [title]) VALUES (2, N'GO\nhome')\nGO\n"
    )

    assert looked(text) == {"topics": ["id", "title"]}
    assert read(text)[0] == {"id": "1", "title": "Why?"}


def test_a_row_of_another_width_goes_alone() -> None:
    text = f"{HEADS['mysql']}INSERT INTO topics (a, b) VALUES (1,2),(3),(4,5);"

    assert read(text) == [
        {"a": "1", "b": "2"},
        "it has 1 value for 2 columns",
        {"a": "4", "b": "5"},
    ]


def test_lines_are_counted_through_texts_of_many_lines() -> None:
    text = "\n\nINSERT INTO topics (a) VALUES\n('x\ny'),\n('z');\n"

    rows = list(SqlDump(lambda: io.BytesIO(text.encode())).rows("topics"))

    assert [row.line for row in rows] == [4, 6]


@pytest.mark.parametrize("end", ["", "1\tWhy?", "1\tWhy?\n"])
@pytest.mark.parametrize("table", ["topics", "others"])
def test_a_copy_that_is_cut_off_is_an_error_of_the_file(end: str, table: str) -> None:
    text = f"{HEADS['postgresql']}COPY topics (id, title) FROM stdin;\n{end}"

    with pytest.raises(UnreadableArchiveError, match="the file ends inside COPY"):
        read(text, table)


def test_an_insert_that_is_cut_off_is_a_row_that_cannot_be_read() -> None:
    found = read(f"{HEADS['mysql']}INSERT INTO topics (a) VALUES ('x'),('y")

    assert found == [{"a": "x"}, "the file ends inside this row, or it is no list of values"]


@pytest.mark.parametrize(
    ("name", "bare"),
    [("`forum`.`topics`", "topics"), ('public."topics"', "topics"), ("[dbo].[t]", "t"), ("t", "t")],
)
def test_a_table_is_known_by_its_bare_name(name: str, bare: str) -> None:
    assert bare_name(name) == bare


@pytest.mark.parametrize(
    "head",
    [
        *HEADS.values(),
        "\ufeff-- phpMyAdmin SQL Dump\n",
        "CREATE TABLE IF NOT EXISTS a (",
        "insert into a values (",
        "COPY a (b) FROM stdin;",
    ],
)
def test_a_dump_is_recognised_by_its_beginning(head: str) -> None:
    assert is_dump(head)


@pytest.mark.parametrize(
    "head",
    [
        "id,title\n1,INSERT INTO a VALUES (1)\n",
        "How do I insert into a table?\n",
        "-- a comment\n",
        "",
    ],
)
def test_other_texts_are_not_taken_for_a_dump(head: str) -> None:
    assert not is_dump(head)


@pytest.mark.parametrize("comment", ["-- (9, 'no');\n", "# (9, 'no');\n", "/* (9, 'no'); */"])
def test_a_comment_between_rows_ends_nothing(comment: str) -> None:
    text = f"INSERT INTO t (id, title) VALUES (1, 'a'), {comment} (2, 'b -- c');"

    found = SqlDump(lambda: io.BytesIO(text.encode())).rows("t")

    assert [row.values for row in found] == [
        {"id": "1", "title": "a"},
        {"id": "2", "title": "b -- c"},
    ]


def test_a_comment_that_is_longer_than_a_piece_is_skipped_whole() -> None:
    text = f"INSERT INTO t (id) VALUES (1), /* {'x, (9) ' * 300_000} */ (2);"

    found = SqlDump(lambda: io.BytesIO(text.encode())).rows("t")

    assert [row.values for row in found] == [{"id": "1"}, {"id": "2"}]


def test_what_is_no_list_of_values_is_told() -> None:
    text = b"INSERT INTO t (id) VALUES (1), ?, (2);\nINSERT INTO t (id) VALUES (3);"

    found = [row.values for row in SqlDump(lambda: io.BytesIO(text)).rows("t")]

    assert found[0] == {"id": "1"}
    assert "the rest of its statement is skipped" in found[1]
    assert found[2] == {"id": "3"}
