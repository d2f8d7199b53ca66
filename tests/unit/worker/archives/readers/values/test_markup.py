"""Texts without their marks: the words stay, and what only looks like a mark stays too."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.values.markup import (
    Markup,
    is_escaped,
    plain_text,
    unescaped,
    without_markup,
)

WORDS = st.lists(st.text("abc1?", min_size=1, max_size=5), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "markup", "bare"),
    [
        ("<p>How do I <b>boil</b> an egg?</p>", Markup.HTML, "How do I boil an egg?"),
        ("a &lt; b &amp;&amp; c", Markup.HTML, "a < b && c"),
        ("if a < b and c > d", Markup.GUESS, "if a < b and c > d"),
        ("<p>if a &lt; b</p>", Markup.GUESS, "if a < b"),
        ("It fails<br/>", Markup.GUESS, "It fails"),
        ("List<String> of <T>", Markup.GUESS, "List<String> of <T>"),
        ("<script>var a = '<p>';</script>Why?", Markup.HTML, "Why?"),
        ("<style>p { color: red }</style>Why?", Markup.HTML, "Why?"),
        ("[b]Why[/b] [url=https://a.example]here[/url]?", Markup.BBCODE, "Why here ?"),
        ("a[i] and [x]", Markup.BBCODE, "a and [x]"),
        (
            '**Why** does [it](https://a.example "so") __leak__?',
            Markup.MARKDOWN,
            "Why does it leak?",
        ),
        ("## Title\n> quoted\n```python\nx\n```", Markup.MARKDOWN, "Title\nquoted\n\nx\n"),
        ("my __init__ and a__b", Markup.MARKDOWN, "my init and ab"),
        ("<p>plain</p> &amp; kept", Markup.PLAIN, "<p>plain</p> &amp; kept"),
        ("a  b", Markup.PLAIN, "a  b"),
        ("", Markup.HTML, ""),
    ],
)
def test_marks_go_and_words_stay(text: str, markup: Markup, bare: str) -> None:
    assert without_markup(text, markup).strip(" ") == bare


@given(WORDS, st.sampled_from(sorted(Markup)))
def test_a_text_without_marks_stays_as_it_is(words: list[str], markup: str) -> None:
    text = "  ".join(words)

    assert without_markup(text, Markup(markup)) == text


@given(st.lists(st.sampled_from(["<b>", "</p>", "<br>", "a", "b c", " ", "&amp;", "<", ">"])))
def test_no_tag_is_left_in_html(parts: list[str]) -> None:
    bare = plain_text("".join(parts))

    assert not any(tag in bare for tag in ("<b>", "</p>", "<br>"))


@given(st.text(max_size=60), st.sampled_from(sorted(Markup)))
def test_any_text_can_be_read_and_none_grows(text: str, markup: str) -> None:
    assert len(without_markup(text, Markup(markup))) <= max(len(text), len(html.unescape(text)))


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_what_was_escaped_for_html_comes_back(title: str) -> None:
    escaped = html.escape(title)

    assert unescaped(escaped) == title
    assert ("&" not in escaped) or is_escaped([escaped])


@pytest.mark.parametrize(
    ("titles", "escaped"),
    [
        (["Tom &amp; Jerry", "Why?"], True),
        (["Tom &amp; Jerry", "R&D"], False),
        (["R&D"], False),
        (["5 &lt; 6"], True),
        (["&copy; whom?"], False),
        (["What is &amp; in HTML?", "And & alone?"], False),
        ([], False),
    ],
)
def test_titles_are_escaped_only_if_every_sign_of_them_is(
    titles: list[str], *, escaped: bool
) -> None:
    assert is_escaped(titles) is escaped


def test_entities_are_resolved_once() -> None:
    assert unescaped("&amp;lt;") == "&lt;"
    assert unescaped("&copy; &#39;x&#x27; &QUOT;") == "&copy; 'x' \""


QUIET = st.lists(
    st.sampled_from(["<script>", "</script>", "<STYLE a='b'>", "</style >", "word", " ", "<b>"]),
    max_size=9,
)
SLOW = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)


@given(QUIET)
def test_scripts_and_styles_go_with_all_that_is_in_them(parts: list[str]) -> None:
    text = "".join(parts)

    assert plain_text(text) == re.sub("<[^<>]*>", " ", SLOW.sub(" ", text))


def test_what_is_longer_than_any_script_is_text() -> None:
    short, long = (f"<script>{'a' * count}</script>Why?" for count in (100_000, 100_001))

    assert plain_text(short) == " Why?"
    assert plain_text(long).startswith(" aaa")


def test_marks_without_end_cost_no_more_than_other_text() -> None:
    # Not timed: tried at each place to the end of the text these take hours.
    for mark in ("<", "[b", "[", "**", "<script>", "![", "&", "<p "):
        for markup in Markup:
            assert without_markup(mark * 20_000, markup) is not None
