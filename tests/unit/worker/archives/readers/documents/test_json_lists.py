"""JSON whose rows are no objects: what pandas and query services write comes back."""

import io
import json
from collections.abc import Iterable, Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents import json_lists, json_rows
from worker.archives.readers.records import Row, UnreadableArchiveError

TEXTS = st.text('aZ"\\?\u00e9\u4e2d ', max_size=6)
FRAMES = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5)
COLUMNS = ["title", "body"]


def opened(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def each(rows: Iterable[Row]) -> list[object]:
    return [values for _, values in rows]


def looked(text: str) -> json_rows.Found:
    return json_rows.look(opened(text), 1 << 20)


def listed(text: str, names: Sequence[str] = ()) -> tuple[tuple[str, ...], list[str]] | None:
    grid = json_lists.grid_of(lambda: opened(text), looked(text), names)
    return None if grid is None else (grid.path or (), grid.columns)


@settings(max_examples=25)
@given(FRAMES)
def test_a_frame_comes_back_from_its_columns(rows: list[tuple[str, str]]) -> None:
    text = pd.DataFrame(rows, columns=COLUMNS).to_json(orient="columns")

    assert json_lists.is_by_columns(looked(text))
    assert each(json_lists.rows_by_columns(opened(text))) == [
        dict(zip(COLUMNS, row, strict=True)) for row in rows
    ]


@pytest.mark.parametrize("orient", ["split", "values"])
@settings(max_examples=25)
@given(rows=FRAMES)
def test_a_frame_comes_back_from_its_rows(orient: str, rows: list[tuple[str, str]]) -> None:
    text = pd.DataFrame(rows, columns=COLUMNS).to_json(orient=orient)

    found = listed(text, COLUMNS if orient == "values" else ())

    assert found == (("data",) if orient == "split" else (), COLUMNS)
    read = json_lists.Grid(*found).rows(opened(text))
    assert each(read) == [
        dict(zip(COLUMNS, row, strict=True)) for row in rows if list(row) != COLUMNS
    ]


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"columns": ["id", "title"], "rows": [[1, "x"]]}, (("rows",), ["id", "title"])),
        ({"fields": ["id", "title"], "values": [[1, "x"]]}, (("values",), ["id", "title"])),
        ([["id", "title"], [1, "x"]], ((), ["id", "title"])),
        ([{"id": 1}], None),
        ([], None),
        ({"rows": [{"id": 1}]}, None),
        ({"other": [[1, "x"]]}, None),
        ([[{"id": 1}], [{"id": 2}]], None),
        (
            {"sets": [{"columns": ["id", "title"], "rows": [[1, "x"]]}]},
            (("sets", "rows"), ["id", "title"]),
        ),
        ({"sets": [{"columns": ["id", "title"], "rows": [[1, "x"]]}] * 2}, None),
        ({"chart": {"columns": ["x", "y"], "rows": [[1, 2]]}, "topics": [{"id": 1}]}, None),
        (
            {"meta": {"columns": [{"name": "id"}, {"name": "title"}]}, "data": [["1", "x"]]},
            (("data",), ["id", "title"]),
        ),
        (
            {"rows": [{"f": [{"v": "1"}, {"v": None}]}], "fields": ["id", "title"]},
            (("rows",), ["id", "title"]),
        ),
        (
            {"records": [[{"longValue": 1}, {"isNull": True}]], "columns": ["id", "title"]},
            (("records",), ["id", "title"]),
        ),
    ],
)
def test_rows_that_are_lists_are_found_with_their_names(document: object, found: object) -> None:
    assert listed(json.dumps(document)) == found


@pytest.mark.parametrize("document", [[[1, "x"]], {"data": [[1, "x"]]}])
def test_rows_without_names_ask_for_them(document: object) -> None:
    with pytest.raises(UnreadableArchiveError, match=r"name the columns with --columns"):
        listed(json.dumps(document))

    assert listed(json.dumps(document), ["id", "title"]) is not None


def test_a_row_of_another_width_goes_alone_and_the_names_are_no_row() -> None:
    text = '[["id", "title"],\n[1, "Why?"],\n[2],\n[3, "How?", 4],\n[5, null]]'

    assert list(json_lists.Grid((), ["id", "title"]).rows(opened(text))) == [
        (2, {"id": 1, "title": "Why?"}),
        (3, "it has 1 value for 2 columns"),
        (4, "it has 3 values for 2 columns"),
        (5, {"id": 5, "title": None}),
    ]


def test_a_list_of_texts_is_a_column() -> None:
    read = json_lists.Grid((), ["title"]).rows(opened('["Why?", "How?"]'))

    assert each(read) == [{"title": "Why?"}, {"title": "How?"}]


@pytest.mark.parametrize(
    ("document", "is_one"),
    [
        ({"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}, True),
        ({"a": {"0": 1}, "b": {"1": 3}}, False),
        ({"a": {"x": 1}, "b": {"x": 3}}, False),
        ({"a": {"0": 1}}, False),
        ({"a": {"0": 1}, "b": {"0": 1}, "c": 7}, False),
        ([{"a": 1}], False),
    ],
)
def test_columns_are_told_by_their_numbers(document: object, *, is_one: bool) -> None:
    assert json_lists.is_by_columns(looked(json.dumps(document))) is is_one


@pytest.mark.parametrize("text", ['{"a": {"0": 1}', "[1, 2]", "{" * 50_000])
def test_columns_that_are_no_json_are_an_error(text: str) -> None:
    with pytest.raises(UnreadableArchiveError, match="it is not valid JSON"):
        list(json_lists.rows_by_columns(opened(text)))


def test_a_cell_that_a_column_lacks_is_empty() -> None:
    read = json_lists.rows_by_columns(opened('{"a": {"0": 1, "1": 2}, "b": {"0": 3}}'))

    assert each(read) == [{"a": 1, "b": 3}, {"a": 2, "b": None}]


def test_columns_that_are_too_large_say_how_to_write_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_lists, "_WHOLE", 100)

    with pytest.raises(UnreadableArchiveError, match=r'orient="records", lines=True'):
        list(json_lists.rows_by_columns(opened('{"a": {"0": "' + "x" * 100 + '"}}')))
