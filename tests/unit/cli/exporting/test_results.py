"""Rows of an export, as a spreadsheet and as programs read them."""

import csv
import io
import json

from cli.exporting import results
from cli.exporting.results import Form
from tests.unit.cli.exporting.test_programs import redirect

ROWS = [redirect("=1+1", "3", 'https://f.example/?a="b",c'), redirect("12", "3")]


def written(form: Form) -> str:
    out = io.StringIO()
    results._write(out, (results._as_row(row) for row in ROWS), form)  # noqa: SLF001  # pure
    return out.getvalue()


def test_a_spreadsheet_runs_nothing_of_it() -> None:
    header, first, second = csv.reader(io.StringIO(written(Form.CSV)))

    assert header[:2] == ["id", "canonical_id"]
    assert "question_id" not in header
    assert first[0] == "'=1+1"
    assert first[header.index("canonical_url")] == 'https://f.example/?a="b",c'
    assert second[0] == "12"


def test_programs_get_the_values_as_they_are() -> None:
    first, second = map(json.loads, written(Form.JSONL).splitlines())

    assert (first["id"], first["url"], first["score"]) == ("=1+1", None, 0.9)
    assert second["title"] == "'); DROP TABLE phpbb_topics; --"
    assert list(first) == list(second)
