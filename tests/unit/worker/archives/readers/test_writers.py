"""Any list of questions comes back the same from every writer of tables.

Those of MySQL, PostgreSQL and Spark are written by hand after their manuals. Real databases write
in `tests/integration/worker/archives/readers/test_writers.py`.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.unit.worker.archives.readers.test_archive import questions, read, rejects
from worker.archives.readers.values.texts import DATABASE_NULLS
from worker.text.normal import clean, is_blank

Rows = list[tuple[str, str, str]]


def _is_told(text: str) -> bool:
    """Return whether a text says something that is not a database's null."""
    return bool(clean(text)) and not is_blank(text) and clean(text) not in DATABASE_NULLS


_TEXT = st.text(
    st.one_of(
        st.sampled_from("\"'\\,;\t|\n\r\u00e9\u2028 aN"),
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]),
    ),
    max_size=12,
)
ROWS = st.lists(st.tuples(_TEXT.filter(_is_told), _TEXT), max_size=8).map(
    lambda texts: [(f"q{n}", title, body) for n, (title, body) in enumerate(texts)]
)


def as_csv(rows: Rows, **how: object) -> str:
    out = io.StringIO()
    writer = csv.writer(out, **how)  # type: ignore[arg-type]
    writer.writerow(("id", "title", "body"))
    writer.writerows(rows)
    return out.getvalue()


def as_excel(rows: Rows) -> str:
    return "\ufeffsep=;\r\n" + as_csv(rows, delimiter=";")


def as_pandas(rows: Rows, **how: object) -> str:
    frame = pd.DataFrame(rows, columns=["id", "title", "body"])
    return str(frame.to_csv(index=False, **how))


def as_polars(rows: Rows, **how: Any) -> str:
    return str(pl.DataFrame(rows, schema=["id", "title", "body"], orient="row").write_csv(**how))


def as_polars_parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(rows, schema=["id", "title", "body"], orient="row").write_parquet(out)
    return out.getvalue()


def as_duckdb(rows: Rows, kind: str) -> bytes:
    columns = [[row[place] for row in rows] for place in range(3)]
    statement = (
        "COPY (SELECT unnest($1::VARCHAR[]) AS id, unnest($2::VARCHAR[]) AS title,"
        f" unnest($3::VARCHAR[]) AS body) TO '{{path}}' (FORMAT {kind})"
    )
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder, "written")
        connection.execute(statement.format(path=path), columns)
        return path.read_bytes()


def as_outfile(rows: Rows, *, quote: str = "", delimiter: str = "\t") -> str:
    """Write as ``SELECT INTO OUTFILE`` does, with a header by UNION."""

    def cell(text: str) -> str:
        marks = {"\\", "\n", quote or delimiter}
        return quote + "".join(f"\\{char}" if char in marks else char for char in text) + quote

    lines = [("id", "title", "body"), *rows]
    return "".join(delimiter.join(map(cell, line)) + "\n" for line in lines)


def as_copy(rows: Rows) -> str:
    """Write as ``COPY TO`` does in its text format, with HEADER; an empty body is null."""
    marks = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

    def cell(text: str) -> str:
        return "".join(marks.get(char, char) for char in text) if text else "\\N"

    return "".join("\t".join(map(cell, line)) + "\n" for line in [("id", "title", "body"), *rows])


def as_spark(rows: Rows) -> str:
    def cell(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "".join(",".join(map(cell, line)) + "\n" for line in [("id", "title", "body"), *rows])


def as_parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    names = ("id", "title", "body")
    pq.write_table(pa.table({n: [row[i] for row in rows] for i, n in enumerate(names)}), out)
    return out.getvalue()


def as_workbook(rows: Rows) -> bytes:
    """Write as Excel does, every cell a text: also one that begins as a formula."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for number, row in enumerate([("id", "title", "body"), *rows], start=1):
        for place, text in enumerate(row, start=1):
            if text:
                cell = sheet.cell(number, place)
                cell.value, cell.data_type = text, "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_excel_saved(rows: Rows) -> str:
    """Return the CSV that a spreadsheet saves of such a workbook."""
    sheet = openpyxl.load_workbook(io.BytesIO(as_workbook(rows)), read_only=True).worksheets[0]
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(sheet.iter_rows(values_only=True))
    return f"\ufeff{out.getvalue()}"


def as_json(rows: Rows) -> str:
    return json.dumps(
        {"n": 1, "found": [dict(zip(("id", "title", "body"), r, strict=True)) for r in rows]}
    )


WRITERS: dict[str, Callable[[Rows], str | bytes]] = {
    "csv": as_csv,
    "csv.tsv": lambda rows: as_csv(rows, delimiter="\t"),
    "csv quoted": lambda rows: as_csv(rows, lineterminator="\n", quoting=csv.QUOTE_ALL),
    "polars": as_polars,
    "polars tsv": lambda rows: as_polars(rows, separator="\t", quote_style="always"),
    "polars parquet": as_polars_parquet,
    "excel": as_excel,
    "pandas": as_pandas,
    "pandas quoted": lambda rows: as_pandas(rows, quoting=csv.QUOTE_NONNUMERIC, sep=";"),
    "parquet": as_parquet,
    "json": as_json,
}


@pytest.mark.parametrize("write", [as_workbook, as_excel_saved])
@given(rows=ROWS.filter(lambda rows: "\r" not in repr(rows).replace("\\r", "\r")))
@example(rows=[("q0", "=1+1", "x"), ("q1", "00123", "")])
def test_any_questions_come_back_from_a_workbook(
    write: Callable[[Rows], str | bytes], rows: Rows
) -> None:
    _same(rows, write(rows))


def _same(rows: Rows, data: str | bytes) -> None:
    records = read(data)

    assert questions(records) == [(own_id, clean(title)) for own_id, title, _ in rows]
    assert not rejects(records)


@pytest.mark.parametrize("writer", WRITERS)
@given(rows=ROWS)
@example(rows=[("q0", "\\\n", "")])
@example(rows=[("q0", '"', "\\")])
def test_any_questions_come_back_from_every_writer(writer: str, rows: Rows) -> None:
    data = WRITERS[writer](rows)
    assume(writer != "csv.tsv" or not _may_be_of_a_database(str(data)))
    if rows or writer != "json":
        _same(rows, data)


@pytest.mark.parametrize("kind", ["csv, header", "json", "parquet"])
@settings(max_examples=15)
@given(rows=ROWS)
def test_any_questions_come_back_from_duckdb(kind: str, rows: Rows) -> None:
    if rows or kind != "json":
        _same(rows, as_duckdb(rows, kind))


def _may_be_of_a_database(data: str) -> bool:
    """Return whether each backslash of a file could be an escape, and is then read as one."""
    left = re.sub(r"\\(?:[\\bfnrtvNZ0-7\n]|x[0-9a-fA-F])", "", data)
    return "\\\\" in data and "\\" not in left


# What has no quotes shows by its escapes alone that it has any: one row here always does.
TELLING: Rows = [("t1", 'A "tab" \\ and\na line', "x"), ("t2", "A tab \t here", "")]


@pytest.mark.parametrize(
    "write",
    [
        as_copy,
        as_outfile,
        lambda rows: as_outfile(rows, quote='"', delimiter=","),
        as_spark,
        lambda rows: as_pandas(rows, escapechar="\\", doublequote=False),
    ],
    ids=["copy text", "outfile", "outfile quoted", "spark", "pandas escaped"],
)
@given(rows=ROWS)
@example(rows=[("q0", "0\n", "\n")])
def test_any_questions_come_back_from_writers_with_backslashes(
    write: Callable[[Rows], str], rows: Rows
) -> None:
    _same([*TELLING, *rows], write([*TELLING, *rows]))
