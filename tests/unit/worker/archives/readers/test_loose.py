"""JSON in code, YAML and drawn tables: what was written comes back, what is broken goes alone."""

import io
import json
import tracemalloc
from collections.abc import Callable
from unicodedata import east_asian_width

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.worker.archives.readers.test_archive import questions, read, rejects
from tests.unit.worker.archives.readers.test_hostile import HUGE, MIB
from tests.unit.worker.archives.readers.test_writers import ROWS, Rows
from worker.archives.readers.documents import loose_json
from worker.archives.readers.documents.loose_json import Tokens
from worker.text.normal import clean, is_blank

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def _plain(text: str, size: int = 1 << 18) -> str:
    tokens, data = Tokens(), text.encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(
        [*(tokens.feed(piece, final=False) for piece in pieces), tokens.feed(b"", final=True)]
    ).decode()


@given(value=st.lists(_VALUES), size=st.integers(1, 9), indent=st.sampled_from([None, 1]))
@example(value=["// /* '\\", {"a,}": ",]"}], size=1, indent=None)
def test_json_that_is_plain_stays_what_it_is(value: object, size: int, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)

    assert json.loads(_plain(text, size)) == value
    assert not loose_json.is_loose(text)


@given(value=st.lists(_VALUES), size=st.integers(1, 9))
def test_what_python_prints_is_read(value: object, size: int) -> None:
    assert json.loads(_plain(repr(value), size)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "code",
    ["cb(@);", "/**/ typeof cb === 'function' && cb(@);", ")]}'\n@", "for(;;);@", "x = @",
     'window["a"].b[0] = @;', "// by hand\nexport default @;", "(@)", "/* [1] */ @ // [2]",
     '"use strict";\nvar a = @'],
)  # fmt: skip
@pytest.mark.parametrize("size", [40, 1 << 18])
def test_code_around_a_document_is_left_out(code: str, size: int) -> None:
    document = '[{"a": "// not (a) /* comment */"}]'
    text = code.replace("@", document)

    assert loose_json.is_code(text)
    assert json.loads(_plain(text, size)) == json.loads(document)


@pytest.mark.parametrize("evil", ['["' + '\\"' * MIB, "['" + "\\'" * MIB, "[" + "/*" * MIB])
def test_texts_and_comments_without_an_end_are_read_through_once(evil: str) -> None:
    assert len(_plain(evil)) <= len(evil) + 1


def test_a_text_of_loose_json_that_is_too_long_is_rejected_alone() -> None:
    data = f"var x = [{{'id': 1, 'title': '{HUGE}{HUGE}'}}, {{'id': 2, 'title': 'Read?'}}];"
    records = read(data)

    assert questions(records) == [("2", "Read?")]
    assert [one.reason for one in rejects(records)] == ["the record is longer than 4 MiB"]


def _is_kept(text: str) -> bool:
    return "\r" not in text and all(char.isprintable() or char in "\n\t" for char in text)


@given(rows=ROWS.filter(lambda rows: all(_is_kept(text) for row in rows for text in row)))
@example(rows=[("q0", "- a: b #c", "---\n- x"), ("q1", "yes", "null"), ("q2", "&a *b", " x\n\ny")])
def test_any_questions_come_back_from_yaml(rows: Rows) -> None:
    names = ("id", "title", "body")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for found in (records, {"version": 1, "found": records, "users": [{"id": 1, "name": "A"}]}):
        text = yaml.safe_dump(found, allow_unicode=True, sort_keys=False)
        if rows:
            told = read(f"%YAML 1.1\n---\n{text}")
            assert questions(told) == [(own_id, clean(title)) for own_id, title, _ in rows]
            assert not rejects(told)


def test_records_of_yaml_that_are_too_long_or_broken_go_alone() -> None:
    rows = [
        "- id: 1\n  title: First?",
        f"- id: 2\n  title: {HUGE[:MIB]}",
        "- id: 3\n  title: Third: it: is?",
        '- id: 4\n  title: "Fourth?',
        "- id: 5\n  title: *nothing",
        "- " + "[" * 2_000,
        "- a text",
        "- id: 8\n  title: Eighth?",
    ]
    records = read("questions:\n" + "\n".join(rows) + "\nversion: 1\n")

    assert questions(records) == [("1", "First?"), ("8", "Eighth?")]
    assert [one.line for one in rejects(records)] == [4, 6, 8, 10, 12, 13]


def test_yaml_of_any_length_is_read_in_bounded_memory() -> None:
    line = "    " + "long " * 200 + "\n"
    long = "- id: 2\n  title: B?\n  body: |\n" + line * 20_000
    data = ("- id: 1\n  title: A?\n" + long + "- id: 3\n  title: C?\n").encode()
    tracemalloc.start()
    records = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert questions(records) == [("1", "A?"), ("3", "C?")]
    assert peak < len(data) + 24 * MIB  # the test itself holds the file


def test_aliases_that_repeat_far_more_than_the_file_holds_are_refused() -> None:
    bomb = "---\nbase: &a " + "x" * 60_000 + "\n"
    data = bomb + "questions:\n- id: 1\n  title: A?\n" + "- title: [*a, *a, *a]\n" * 300
    records = read(data + "- id: 2\n  title: B?\n")

    assert [own_id for own_id, _ in questions(records)] == ["1", "2"]
    assert any("aliases" in one.reason for one in rejects(records))


_CELL = st.text(st.sampled_from("aZ?| +-=\"'\\,;\u65e5\u00e9\u2502"), max_size=9)
_DRAWN = st.lists(
    st.tuples(_CELL.filter(lambda text: clean(text) and not is_blank(text)), _CELL),
    min_size=1,
    max_size=5,
)


def _width(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _padded(rows: Rows) -> tuple[list[int], list[list[str]]]:
    lines = [("id", "title", "body"), *rows]
    widths = [max(_width(line[at]) for line in lines) for at in range(3)]
    return widths, [
        [text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)]
        for line in lines
    ]


def as_mysql(rows: Rows, bar: str = "|", line: str = "-", corner: str = "+") -> str:
    widths, lines = _padded(rows)
    rule = corner + corner.join(line * (width + 2) for width in widths) + corner
    drawn = [bar + bar.join(f" {cell} " for cell in cells) + bar for cells in lines]
    return "\n".join([rule, drawn[0], rule, *drawn[1:], rule, f"{len(rows)} rows in set", ""])


def as_psql(rows: Rows) -> str:
    widths, lines = _padded(rows)
    drawn = ["|".join(f" {cell} " for cell in cells).rstrip() for cells in lines]
    rule = "+".join("-" * (width + 2) for width in widths)
    return "\n".join([drawn[0], rule, *drawn[1:], f"({len(rows)} rows)", "", ""])


def as_box(rows: Rows) -> str:
    return as_mysql(rows, "\u2502", "\u2500", "\u253c")


def as_column(rows: Rows) -> str:
    widths, lines = _padded(rows)
    rule = "  ".join("-" * width for width in widths)
    drawn = ["  ".join(cells).rstrip() for cells in lines]
    return "\n".join([drawn[0], rule, *drawn[1:], ""])


@pytest.mark.parametrize("write", [as_mysql, as_psql, as_box, as_column])
@given(cells=_DRAWN)
@example(cells=[("a|b", "|"), ("---", "+"), ("C++", "x +")])
def test_any_questions_come_back_from_a_drawn_table(
    write: Callable[[Rows], str], cells: list[tuple[str, str]]
) -> None:
    rows = [(f"q{n}", title, body) for n, (title, body) in enumerate(cells)]
    records = read(write(rows))

    assert questions(records) == [(own_id, clean(title)) for own_id, title, _ in rows]
    assert not rejects(records)


def test_lines_of_a_drawn_table_that_never_end_are_read_a_few_times_at_most() -> None:
    rule = "+----+-------+------+\n"
    head = f"{rule}| id | title | body |\n{rule}"
    records = read(head + "| 1 | never\n" * 20_000 + "| 2  | Read? | x    |\n")

    assert questions(records) == [("2", "Read?")]
    assert len(rejects(records)) == 20_000


def test_a_drawn_table_is_read_as_a_stream() -> None:
    data = io.StringIO()
    data.write("id    title\n----  -----\n")
    for number in range(3_000):
        data.write(f"{number:<6}What is {number}?\n")
    records = read(data.getvalue())

    assert len(questions(records)) == 3_000
