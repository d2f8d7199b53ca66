"""Dumps of Stack Exchange: each row is parsed alone, so only a broken one is lost."""

import io
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents import stackexchange
from worker.archives.readers.records import (
    RECORD_LIMIT,
    KnownPair,
    Reject,
    UnreadableArchiveError,
)

TEXTS = st.text("aZ<>&\"'\n\t?\u00e9\u4e2d", max_size=8)


def in_file(*rows: str) -> io.BytesIO:
    return io.BytesIO(
        ("<posts>\n" + "\n".join(rows) + "\n</posts>\n").encode("utf-8", "surrogatepass")
    )


def read(*rows: str) -> list[tuple[int, object]]:
    return [(row.line, row.values) for row in stackexchange.rows(in_file(*rows))]


@settings(max_examples=20)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_rows_come_back_as_they_were_written(rows: list[tuple[str, str]]) -> None:
    entities = {"\n": "&#xA;", "\t": "&#x9;"}
    written = [
        f"  <row Title={quoteattr(title, entities)} Body={quoteattr(body, entities)} />"
        for title, body in rows
    ]

    assert read(*written) == [
        (line, {"Title": title, "Body": body}) for line, (title, body) in enumerate(rows, start=2)
    ]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('<row Id="1" />', [{"Id": "1"}]),
        ('<row Id="1"></row>', [{"Id": "1"}]),
        ('<row Id="1"/><row Id="2"/>', [{"Id": "1"}, {"Id": "2"}]),
        ('<posts><row Id="1"/></posts>', [{"Id": "1"}]),
        ('<row\n  Id="1"\n  Title="Why?"\n/>', [{"Id": "1", "Title": "Why?"}]),
        ('<row Id="1&#0;2&#x1F;3" />', [{"Id": "123"}]),
        ('<row Id="1&#xD800;2" />', [{"Id": "12"}]),
        ('<row Id="1&#xFFFF;\x0b2" />', [{"Id": "12"}]),
        ('<row Id="a&#9;b&#10;c&#x41;" />', [{"Id": "a\tb\ncA"}]),
        ("<other />", []),
        ('<row Id="1" Id="2" />', ["it is no XML: duplicate attribute"]),
        ('<row Id="a & b" />', ["it is no XML: not well-formed (invalid token)"]),
        ('<row Id="&x;" />', ["it is no XML: undefined entity"]),
    ],
)
def test_a_row_is_what_it_says_or_goes_alone(row: str, found: list[object]) -> None:
    after = (2 + row.count("\n") + 1, {"Id": "9"})

    assert read(row, '<row Id="9" />') == [*((2, one) for one in found), after]


@pytest.mark.parametrize(
    "line",
    ['<!DOCTYPE posts [<!ENTITY a "b">]>', '<!ENTITY a SYSTEM "file:///etc/passwd">'],
)
def test_declarations_are_refused_with_their_line(line: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=r"^line 3: declarations of document types"):
        read('<row Id="1" />', line)


def test_a_row_that_never_ends_does_not_take_the_file_with_it() -> None:
    long = ['<row Id="1" Body="', *["x" * 70_000] * (RECORD_LIMIT // 70_000 + 1)]

    found = read(*long, '<row Id="2" />')

    assert found[0] == (2, "the row never ends")
    assert found[-1] == (len(long) + 2, {"Id": "2"})


def test_a_file_that_ends_inside_a_row_says_so() -> None:
    file = io.BytesIO(b'<posts>\n<row Id="1" />\n<row Id="2"\n')

    assert [row.values for row in stackexchange.rows(file)] == [
        {"Id": "1"},
        "the file ends inside this row",
    ]


def link(post: str, other: str, kind: str = "3") -> str:
    return f'<row Id="1" PostId="{post}" RelatedPostId="{other}" LinkTypeId="{kind}" />'


def test_only_links_to_duplicates_are_pairs_and_the_older_question_is_canonical() -> None:
    file = in_file(link("4", "1"), link("5", "1", "1"), '<row LinkTypeId="3" PostId="x" />')

    assert list(stackexchange.links(file)) == [
        KnownPair(2, "4", "1", canonical_id="1"),
        Reject(4, "the link does not name two posts"),
    ]


def test_a_broken_link_is_rejected_alone() -> None:
    found = list(stackexchange.links(in_file("<row a=1 />", link("4", "1"))))

    assert isinstance(found[0], Reject)
    assert isinstance(found[1], KnownPair)
