"""XML: elements that repeat are rows, however their values are written."""

import io
from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents import xml_rows
from worker.archives.readers.records import RECORD_LIMIT, UnreadableArchiveError

TEXTS = st.text("aZ<>&\"'?\u00e9\u4e2d", max_size=6)
NAMED = TEXTS.filter(bool)
ROWS = st.lists(st.tuples(NAMED, NAMED), min_size=2, max_size=5)


def in_file(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text.encode() if isinstance(text, str) else text)


def read(text: str | bytes, *path: str) -> list[object]:
    return [row.values for row in xml_rows.rows(in_file(text), path)]


def looked(text: str | bytes) -> dict[tuple[str, ...], list[str]]:
    return xml_rows.look(in_file(text))


def as_elements(title: str, body: str) -> str:
    return f"<q><title>{escape(title)}</title><body>{escape(body)}</body></q>"


def as_attributes(title: str, body: str) -> str:
    return f"<q title={quoteattr(title)} body={quoteattr(body)}/>"


def as_fields(title: str, body: str) -> str:
    cells = (("title", title), ("body", body))
    return "<q>" + "".join(f'<field name="{k}">{escape(v)}</field>' for k, v in cells) + "</q>"


@pytest.mark.parametrize("write", [as_elements, as_attributes, as_fields])
@settings(max_examples=20)
@given(rows=ROWS)
def test_rows_come_back_however_they_are_written(
    write: Callable[[str, str], str], rows: list[tuple[str, str]]
) -> None:
    text = f"<all>{''.join(write(*row) for row in rows)}</all>"

    assert looked(text) == {("all", "q"): ["title", "body"]}
    assert read(text, "all", "q") == [{"title": title, "body": body} for title, body in rows]


@pytest.mark.parametrize(
    ("inside", "row"),
    [
        ("<a>1</a>", {"a": "1"}),
        ("<a>1</a><a>2</a><a>3</a>", {"a": ["1", "2", "3"]}),
        ("<a/>", {"a": None}),
        ('<a x="1"/>', {"a": {"x": "1"}}),
        ('<a x="1">t</a>', {"a": "t"}),
        ("<a><b>1</b><c>2</c></a>", {"a": {"b": "1", "c": "2"}}),
        ("<tags><tag>x</tag><tag>y</tag></tags>", {"tags": ["x", "y"]}),
        ("<tags><tag>x</tag></tags>", {"tags": ["x"]}),
        ("<ns:a>1</ns:a>", {"a": "1"}),
        ("<![CDATA[<b>bold</b>]]>", {"q": "<b>bold</b>"}),
        ("text <i>and</i> more", {"i": "and", "text": "text  more"}),
        ("  \n <a> 1 </a> ", {"a": "1"}),
    ],
)
def test_what_is_inside_an_element_is_its_row(inside: str, row: dict[str, object]) -> None:
    assert read(f"<all><q>{inside}</q></all>", "all", "q") == [row]


def test_attributes_and_elements_are_one_row_and_declared_namespaces_are_no_columns() -> None:
    declared = 'xmlns="x" xmlns:url="https://x.example/schema"'
    text = f'<all><q xml:id="7" ns:rank="2" {declared}><title>Why?</title></q></all>'

    assert read(text, "all", "q") == [{"id": "7", "rank": "2", "title": "Why?"}]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("<a><b><c>1</c></b><b><c>2</c></b></a>", [("a", "b")]),
        ('<a><b x="1" y="2"/></a>', []),
        ("<a><b>1</b><b>2</b></a>", []),
        ("<a><x><b><c>1</c></b></x><x><b><c>2</c></b></x></a>", [("a", "x", "b"), ("a", "x")]),
        (
            """<d><table_data name="q"><row><field name="id">1</field></row>
            <row><field name="id">2</field></row></table_data></d>""",
            [("d", "q", "row")],
        ),
    ],
)
def test_elements_that_repeat_are_tables(text: str, paths: list[tuple[str, ...]]) -> None:
    assert list(looked(text)) == paths


@pytest.mark.parametrize(
    ("path", "name"),
    [(("a", "b"), "b"), (("a", "q", "row"), "q"), (("a", "q", "Record"), "q"), (("row",), "row")],
)
def test_a_table_is_named_after_what_its_rows_are(path: tuple[str, ...], name: str) -> None:
    assert xml_rows.table_name(path) == name


def test_elements_at_another_path_are_no_rows() -> None:
    text = "<a><q><id>1</id></q><x><q><id>2</id></q></x><q><id>3</id></q></a>"

    assert read(text, "a", "q") == [{"id": "1"}, {"id": "3"}]
    assert read(text, "a", "x", "q") == [{"id": "2"}]
    assert read(text, "b") == []


def test_lines_are_those_of_the_element() -> None:
    text = "<a>\n<q><id>1</id></q>\n\n<q>\n<id>2</id></q></a>"

    assert [row.line for row in xml_rows.rows(in_file(text), ("a", "q"))] == [2, 4]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("<q><id>2</id>", "the file ends inside an element"),
        ("<q><id>2</q>", "line 1: it is no XML: mismatched tag; what follows is not read"),
        ("<q>a & b</q>", "line 1: it is no XML: not well-formed (invalid token); what follows is"),
    ],
)
def test_what_is_broken_is_told_after_the_rows_before_it(end: str, reason: str) -> None:
    found = read(f"<a><q><id>1</id></q>{end}", "a", "q")

    assert len(found) == 2 or found[0] == {"id": "1"}
    assert str(found[-1]).startswith(reason)


def test_what_is_no_xml_from_its_beginning_is_an_error() -> None:
    with pytest.raises(UnreadableArchiveError, match=r"^line 1: it is no XML: [^;]*$"):
        looked("<a b=1></a>")


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "boom">]><a><q><id>&x;</id></q></a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    ],
)
def test_declarations_of_entities_are_refused(text: str) -> None:
    with pytest.raises(UnreadableArchiveError, match="entities are not accepted"):
        read(text, "a", "q")


@pytest.mark.parametrize("sign", ["&#0;", "&#x0B;", "&#31;", "&#x1F;", "&#14;", "&#xE;"])
def test_signs_that_xml_forbids_are_left_out(sign: str) -> None:
    assert read(f"<a><q><id>1{sign}2</id></q></a>", "a", "q") == [{"id": "12"}]


@pytest.mark.parametrize(
    ("sign", "char"), [("&#9;", "\t"), ("&#x41;", "A"), ("&#10;", "\n"), ("&#32;", " ")]
)
def test_signs_that_xml_allows_stay(sign: str, char: str) -> None:
    assert read(f"<a><q><id>1{sign}2</id></q></a>", "a", "q") == [{"id": f"1{char}2"}]


def test_a_row_that_is_too_long_goes_alone() -> None:
    long = "<q><id>" + "x" * (RECORD_LIMIT + 1) + "</id></q>"
    text = f"<a><q><id>1</id></q>{long}<q><id>3</id></q></a>"

    assert read(text, "a", "q") == [{"id": "1"}, "the record is longer than 4 MiB", {"id": "3"}]


def test_elements_that_are_nested_too_deeply_are_refused() -> None:
    with pytest.raises(UnreadableArchiveError, match="it is nested too deeply"):
        looked("<a>" * 61 + "</a>" * 61)

    assert looked("<a>" * 60 + "</a>" * 60) == {}


def test_a_file_declares_what_it_likes_and_is_read_as_utf_8() -> None:
    text = '<?xml version="1.0" encoding="latin-1"?><a><q><id>caf\u00e9</id></q></a>'

    assert read(text, "a", "q") == [{"id": "caf\u00e9"}]
