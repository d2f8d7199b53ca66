"""JSON: each object comes back alone, wherever it is; a broken one goes alone."""

import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents import json_lines, json_rows
from worker.archives.readers.documents.json_rows import ANY, Found
from worker.archives.readers.meaning.columns import KEY
from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError, each_row

NAMES = st.sampled_from(["id", "title", "b", "\u00e9"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\{}[],:\n\u4e2d', max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner), max_leaves=6
)
OBJECTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=6)


def in_file(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def of_lines(text: str) -> list[tuple[int, object]]:
    return [(row.number, row.value) for row in json_lines.json_lines(in_file(text))]


def at(path: tuple[str, ...], text: str) -> list[object]:
    return [row.values for row in json_rows.objects(in_file(text), path)]


def looked(text: str, limit: int = 1 << 20) -> Found:
    return json_rows.look(in_file(text), limit)


@settings(max_examples=20)
@given(st.lists(st.one_of(VALUES, st.just({"id": 1, "title": "x"})), max_size=12))
def test_lines_read_many_at_once_are_the_lines_read_one_by_one(values: list[object]) -> None:
    text = "\n".join(map(json.dumps, values))

    many = [(row.line, row.values) for row in each_row(json_lines.many_json_lines(in_file(text)))]

    assert many == of_lines(text)
    assert [value for _, value in many] == [
        value if isinstance(value, dict) else "it is no JSON object" for value in values
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"a": 1}', [{"a": 1}]),
        (' \t{"a": 1} \r', [{"a": 1}]),
        ('\x1e{"a": 1}', [{"a": 1}]),
        ('{"a": 1}{"a": 2}', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}, {"a": 2},', [{"a": 1}, {"a": 2}]),
        ("[1]", ["it is no JSON object"]),
        ("", []),
        ("[" * 100_000, ["it is nested too deeply"]),
    ],
)
def test_a_line_has_one_object_or_several(line: str, found: list[object]) -> None:
    assert [value for _, value in of_lines(line)] == found


@pytest.mark.parametrize("line", ['{"a": 1', '{"a": 1} x', '{"a": 1}{"a"', "{'a': 1}", "id,title"])
def test_a_line_that_is_broken_says_so_and_the_next_one_is_read(line: str) -> None:
    found = of_lines(f'{line}\n\n{{"a": 3}}')

    assert found[-1] == (3, {"a": 3})
    assert str(found[-2][1]).startswith("it is not valid JSON: ")


@pytest.mark.parametrize("wrap", [(), ("data",), ("data", "items"), ("a", "b", "c")])
@settings(max_examples=20)
@given(rows=OBJECTS)
def test_objects_come_back_from_wherever_they_are(
    wrap: tuple[str, ...], rows: list[dict[str, Any]]
) -> None:
    value: object = rows
    for key in reversed(wrap):
        value = {"before": {"x": [1, {"y": "]}"}]}, key: value, "behind": "}"}

    for indent in (None, 1):
        assert at(wrap, json.dumps(value, indent=indent)) == rows


@settings(max_examples=20)
@given(rows=OBJECTS, parts=st.integers(1, 3))
def test_pages_in_a_list_of_lists_give_the_rows_of_one_list(
    rows: list[dict[str, Any]], parts: int
) -> None:
    pages = [rows[part::parts] for part in range(parts)]

    assert at((), json.dumps(pages)) == [row for page in pages for row in page]
    assert at(("all",), json.dumps({"all": pages})) == [row for page in pages for row in page]


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ((), '{"a": 1}', [{"a": 1}]),
        ((), '{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        ((), '[{"a": 1}][{"a": 2}]', [{"a": 1}, {"a": 2}]),
        (("x",), '[{"x": {"a": 1}}, {"x": {"a": 2}}]', [{"a": 1}, {"a": 2}]),
        (("x",), '{"y": {"a": 1}, "x": [{"a": 2}]}', [{"a": 2}]),
        (("x",), '{"x": "text"}', []),
        (("x", "y"), '{"x": [{"y": [{"a": 1}]}, {"y": null}, 7]}', [{"a": 1}]),
        ((ANY,), '{"q1": {"a": 1}, "q2": {"a": 2}}', [{"a": 1, KEY: "q1"}, {"a": 2, KEY: "q2"}]),
        ((ANY,), '{"q1": {"a": 1, "' + KEY + '": 9}}', [{"a": 1, KEY: 9}]),
        ((ANY, "x"), '{"q1": {"x": {"a": 1}}, "q2": {"x": [{"a": 2}]}}', [{"a": 1}, {"a": 2}]),
        ((), '[{"a": 1}, 7, "text", null]', [{"a": 1}, *["it is no JSON object"] * 3]),
    ],
)
def test_a_path_leads_to_its_objects(path: tuple[str, ...], text: str, found: list[object]) -> None:
    assert at(path, text) == found


@pytest.mark.parametrize("broken", ['{"a": tru}', "{'a': 1}", '{"a" 1}', '{"a": 1 "b"}'])
def test_an_object_of_an_array_that_is_broken_goes_alone(broken: str) -> None:
    found = at((), f'[{{"a": 1}}, {broken}, {{"a": 2}}]')

    assert (found[0], found[-1]) == ({"a": 1}, {"a": 2})
    assert all(isinstance(one, str) for one in found[1:-1])
    assert len(found) >= 3


def test_an_object_that_is_too_long_goes_alone() -> None:
    long = json.dumps({"a": "x" * RECORD_LIMIT})

    assert at((), f'[{{"a": 1}}, {long}, {{"a": 2}}]') == [
        {"a": 1},
        "the record is longer than 4 MiB",
        {"a": 2},
    ]


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ((), '[{"a": 1},', "line 1: the file ends inside an array"),
        (("x",), '{"y": 1,\n', "line 2: the file ends inside an object"),
        (("x",), '{"x": [{"a": 1},\n\n', "line 3: the file ends inside an array"),
        (("x",), '{"x" [1]}', "line 1: not valid JSON: a colon is missing"),
        (("x",), '{"y": }', "line 1: not valid JSON: '}' is not expected"),
    ],
)
def test_a_document_that_is_damaged_says_where(
    path: tuple[str, ...], text: str, reason: str
) -> None:
    with pytest.raises(UnreadableArchiveError, match="^" + reason):
        at(path, text)


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ('[{"id": 1, "title": "x"}]', {(): ["id", "title"]}),
        ('{"items": [{"id": 1}], "total": 1}', {(): ["items", "total"], ("items",): ["id"]}),
        ('[{"a": {"b": 1}}]', {(): ["a"], ("a",): ["b"]}),
        ('{"q1": {"a": 1}, "q2": {"b": 2}}', {(): ["q1", "q2"], ("q1",): ["a"], ("q2",): ["b"]}),
        ('{"a": 1}{"b": 2}', {(): ["a", "b"]}),
        ("[1, 2]", {}),
    ],
)
def test_the_tables_of_a_document_are_its_objects_by_path(
    text: str, tables: dict[tuple[str, ...], list[str]]
) -> None:
    assert looked(text).tables() == tables


def test_records_under_keys_of_their_own_are_one_table() -> None:
    text = json.dumps({f"q{n}": {"title": f"Why {n}?", "tags": ["x"]} for n in range(30)})

    assert looked(text).tables()[ANY,] == ["title", "tags", KEY]
    assert len(at((ANY,), text)) == 30


@pytest.mark.parametrize(
    ("text", "is_single"),
    [('{"x": {"a": 1}}', True), ('{"x": [{"a": 1}]}', False), ('[{"x": {"a": 1}}]', False)],
)
def test_what_is_in_no_list_is_single(text: str, *, is_single: bool) -> None:
    assert looked(text).is_single(("x",)) is is_single


@pytest.mark.parametrize(
    ("values", "is_mixed"),
    [
        ([{"id": 1, "title": "x"}, {"id": 2, "title": "y"}, {"id": 3, "title": "z"}], False),
        ([{"name": 1, "body": 2}, {"actor": 1, "nick": 2}, {"community": 1, "icon": 2}], True),
    ],
)
def test_objects_under_keys_are_mixed_if_they_share_few_names(
    values: list[object], *, is_mixed: bool
) -> None:
    found = looked(json.dumps({f"k{n}": value for n, value in enumerate(values)}))

    assert found.is_mixed((ANY,)) is is_mixed
    assert not found.is_mixed(())


@pytest.mark.parametrize("text", ['[{"a": "never', '{"a": {"b"', "[[[", '{"a" 1}'])
def test_damage_before_the_first_object_is_an_error_and_later_damage_is_not(text: str) -> None:
    assert looked('[{"id": 1}]\n' + text).columns[()].keys() >= {"id"}
    if "a" not in text.partition("{")[2]:
        with pytest.raises(UnreadableArchiveError, match="the file ends inside"):
            looked(text)


def test_only_the_beginning_of_a_document_is_looked_at() -> None:
    rows = [{"id": n} for n in range(100)] + [{"later": 1}]

    assert looked(json.dumps(rows), 200).columns[()].keys() == {"id"}
    assert looked(json.dumps(rows)).columns[()].keys() == {"id", "later"}


@pytest.mark.parametrize("depth", [5, 39, 45, 3_000])
def test_what_is_nested_deeply_is_passed_over_and_the_rest_is_read(depth: int) -> None:
    deep = '{"x":' * depth + "1" + "}" * depth
    found = looked(f'{{"deep": {deep}, "rows": [{{"id": 1}}]}}')

    assert found.tables()["rows",] == ["id"]
    assert max(map(len, found.tables())) <= 41


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ((), '[[1, "a"], [2, "b"]]', [[1, "a"], [2, "b"]]),
        (("data",), '{"columns": ["a"], "data": [[1], [2]]}', [[1], [2]]),
        (("data",), '{"columns": ["a"]}', []),
        (("data",), '{"data": {"a": 1}}', []),
        ((), "[1, tru, 2]", [1, None, 2]),
        ((), "7", []),
    ],
)
def test_the_elements_of_an_array_come_one_by_one(
    path: tuple[str, ...], text: str, found: Iterable[object]
) -> None:
    assert [value for _, value in json_rows.array_at(in_file(text), path)] == found
