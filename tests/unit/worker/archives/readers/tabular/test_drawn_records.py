"""Records with a line for each column: what psql, MySQL and SQLite print comes back."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.containers.streams import lines
from worker.archives.readers.records import RECORD_LIMIT
from worker.archives.readers.tabular import drawn_records

TEXTS = st.text("aZ?|:= \u00e9", min_size=1, max_size=8).map(str.strip).filter(bool)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4)
NAMES = ("id", "title", "body")


def as_psql(rows: Sequence[tuple[str, ...]]) -> str:
    width = max(map(len, NAMES))
    parts = []
    for number, row in enumerate(rows, start=1):
        parts.append(f"-[ RECORD {number} ]{'-' * 20}")
        parts += [f"{n:<{width}} | {v}" for n, v in zip(NAMES, row, strict=True)]
    return "\n".join([*parts, ""])


def as_mysql(rows: Sequence[tuple[str, ...]]) -> str:
    parts = []
    for number, row in enumerate(rows, start=1):
        parts.append(f"{'*' * 27} {number}. row {'*' * 27}")
        parts += [f"{n:>5}: {v}" for n, v in zip(NAMES, row, strict=True)]
    return "\n".join([*parts, f"{len(rows)} rows in set (0.00 sec)", ""])


def as_sqlite(rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(
        "".join(f"{n:>5} = {v}\n" for n, v in zip(NAMES, row, strict=True)) for row in rows
    )


def read(text: str) -> list[object]:
    layout = drawn_records.find(text)
    assert layout is not None
    assert set(layout.columns) <= set(NAMES)
    return [row.values for row in drawn_records.rows(lines(io.BytesIO(text.encode())), layout)]


@pytest.mark.parametrize("write", ["psql", "mysql", "sqlite"])
@settings(max_examples=20)
@given(rows=ROWS)
def test_records_come_back_as_they_were_printed(write: str, rows: list[tuple[str, str]]) -> None:
    whole: list[tuple[str, ...]] = [(str(number), *row) for number, row in enumerate(rows)]
    text = {"psql": as_psql, "mysql": as_mysql, "sqlite": as_sqlite}[write](whole)

    assert read(text) == [dict(zip(NAMES, row, strict=True)) for row in whole]


def test_a_value_of_several_lines_stays_one_value() -> None:
    psql = "-[ RECORD 1 ]---\nid    | 1\ntitle | Why?\nbody  | one +\n      | two\n"
    mysql = "*** 1. row ***\n   id: 1\ntitle: Why?\n body: one\ntwo\n*** 2. row ***\n   id: 2\n"

    assert read(psql) == [{"id": "1", "title": "Why?", "body": "one\ntwo"}]
    assert read(mysql)[0] == {"id": "1", "title": "Why?", "body": "one\ntwo"}


def test_a_summary_and_a_prompt_end_the_records() -> None:
    text = as_mysql([("1", "Why?", "a")]) + "\nmysql> select 1;\nid: 7\n"

    assert read(text) == [{"id": "1", "title": "Why?", "body": "a"}]


@pytest.mark.parametrize(
    "text",
    ["", "id,title\n1,Why?\n", "Note: this is a text\nand goes on\n", "a = 1\nb = 2\n", "id = 1\n"],
)
def test_other_texts_are_no_records(text: str) -> None:
    assert drawn_records.find(text) is None


def test_a_record_that_is_too_long_goes_alone() -> None:
    long = ("x" * 1000 + "\n") * (RECORD_LIMIT // 1000 + 2)
    text = f"*** 1. row ***\n   id: 1\ntitle: {long}*** 2. row ***\n   id: 2\ntitle: Why?\n"

    assert read(text) == ["the record is longer than 4 MiB", {"id": "2", "title": "Why?"}]
