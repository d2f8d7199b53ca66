"""OPML: outlines that ask are questions; those around them are their section."""

import io

import pytest

from worker.archives.readers.documents import opml
from worker.archives.readers.records import UnreadableArchiveError


def read(body: str) -> list[object]:
    return [
        row.values for row in opml.rows(io.BytesIO(f"<opml><body>{body}</body></opml>".encode()))
    ]


def look(body: str) -> None:
    opml.look(io.BytesIO(f"<opml><body>{body}</body></opml>".encode()))


def outline(text: str, *inside: str, **given: str) -> str:
    more = "".join(f' {name}="{value}"' for name, value in given.items())
    return f'<outline text="{text}"{more}>{"".join(inside)}</outline>'


def row(text: str, section: str = "", url: str | None = None) -> dict[str, object]:
    asks = "yes" if text.endswith("?") else "no"
    return {"outline": text, "section": section, "asks": asks, "url": url}


def test_the_section_of_a_question_is_the_nearest_outline_that_does_not_ask() -> None:
    eggs = outline("Eggs", outline("How long?", outline("How hot?")), outline("Soft"))

    assert read(outline("Food", eggs, outline("Why?")) + outline("When?")) == [
        row("Food"),
        row("Eggs", "Food"),
        row("How long?", "Eggs"),
        row("How hot?", "Eggs"),
        row("Soft", "Eggs"),
        row("Why?", "Food"),
        row("When?"),
    ]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Why?", "yes"),
        ("Why? ", "yes"),
        ("(Why?)", "yes"),
        ("&quot;Why?&quot;", "yes"),
        ("\u4e3a\u4ec0\u4e48\uff1f", "yes"),
        ("\u0644\u0645\u0627\u0630\u0627\u061f", "yes"),
        ("Why? Because", "no"),
        ("Because", "no"),
        ("", "no"),
    ],
)
def test_a_question_ends_with_a_question_mark(text: str, asks: str) -> None:
    (found,) = read(outline(text))

    assert isinstance(found, dict)
    assert found["asks"] == asks


@pytest.mark.parametrize("name", ["url", "htmlUrl"])
def test_a_link_is_the_address_of_the_outline(name: str) -> None:
    address = "https://forum.example/1"

    assert read(outline("Why?", **{name: address})) == [row("Why?", url=address)]


def test_a_title_stands_for_a_text() -> None:
    assert read('<outline title="Why?"/>') == [row("Why?")]


def test_outlines_that_may_be_questions_or_not_ask_the_user() -> None:
    with pytest.raises(UnreadableArchiveError, match="none of its outlines ends with a question"):
        look(outline("Eggs") + outline("Salt"))

    look(outline("Eggs", outline("Why?")))


def test_subscriptions_to_feeds_are_no_questions() -> None:
    with pytest.raises(UnreadableArchiveError, match="subscriptions to feeds, no questions"):
        look(outline("Why?", xmlUrl="https://forum.example/feed"))


def test_outlines_that_are_nested_too_deeply_are_refused() -> None:
    with pytest.raises(UnreadableArchiveError, match="it is nested too deeply"):
        read('<outline text="Why?">' * 61 + "</outline>" * 61)


def test_what_is_cut_off_is_told_after_the_outlines_before_it() -> None:
    found = [one.values for one in opml.rows(io.BytesIO(b'<opml><outline text="Why?"/><outline'))]

    assert found == [row("Why?"), "the file ends inside an element"]


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        ("<opml>", True),
        ('<?xml version="1.0"?>\n<!-- mine -->\n<OPML version="2.0">', True),
        ("<html><opml>", False),
        ("opml", False),
    ],
)
def test_opml_is_told_by_its_root(head: str, *, is_one: bool) -> None:
    assert opml.is_opml(head) is is_one
