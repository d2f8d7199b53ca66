"""Questions of lists that people wrote, in text and in HTML, however the file is cut."""

import html
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.containers.streams import LINE_LIMIT
from worker.archives.readers.documents.faq import is_list, rows

WORDS = st.lists(
    st.text("ab\u00e9\u4e2d<&\"'", min_size=1, max_size=5), min_size=1, max_size=4
).map(lambda words: "".join(f"{word} " for word in words).strip() + " so?")


class Pieces(io.BytesIO):
    """A file that gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._size, size) if size and size > 0 else self._size)


def of_text(text: str) -> list[str]:
    found = rows(io.BytesIO(text.encode()), is_html=False)
    return [
        one.values if isinstance(one.values, str) else one.values["faq_question"] for one in found
    ]


def of_html(text: str, *, size: int = 1 << 20) -> list[str]:
    found = rows(Pieces(text.encode(), size), is_html=True)
    return [one.values["faq_question"] for one in found if not isinstance(one.values, str)]


@settings(max_examples=50)
@given(st.lists(WORDS, max_size=4), st.integers(1, 40), st.sampled_from(["h2", "dt", "summary"]))
def test_questions_of_a_page_come_back_however_it_is_cut(
    asked: list[str], size: int, tag: str
) -> None:
    page = "".join(f"<{tag}>{html.escape(one)}</{tag}><p>Answer</p>\n" for one in asked)

    assert of_html(page, size=size) == asked


@settings(max_examples=50)
@given(st.lists(WORDS, max_size=4, unique=True), st.integers(1, 60))
def test_linked_data_is_read_however_the_page_is_cut(asked: list[str], size: int) -> None:
    listed = {
        "@type": "FAQPage",
        "mainEntity": [{"@type": "Question", "name": one} for one in asked],
    }
    data = json.dumps(listed, ensure_ascii=False).replace("</", "<\\/")
    page = f'<script type="application/ld+json">{data}</script><p>text</p>'

    assert of_html(page + page, size=size) == asked  # twice in the page, and once here


@pytest.mark.parametrize("data", ["", "{", "[]", "7", "{}", '"Question"', "[" * 100_000])
def test_linked_data_that_has_no_questions_is_passed_over(data: str) -> None:
    page = f'<script type="application/ld+json">{data}</script><h2>Why?</h2>'

    assert of_html(page) == ["Why?"]


def test_other_scripts_are_no_data() -> None:
    data = json.dumps({"@type": "Question", "name": "Why?"})

    assert of_html(f"<script>{data}</script>") == []
    assert of_html(f'<script type="text/x">{data}</script>') == []


def test_a_question_has_its_section_and_its_anchor() -> None:
    page = '<h1>Eggs</h1><h2 id="boil">1. How do I boil one?</h2><h3>Other</h3><dt>Soft</dt>'

    found = [one.values for one in rows(io.BytesIO(page.encode()), is_html=True)]

    assert found == [
        {"faq_question": "How do I boil one?", "section": "Eggs", "anchor": "#boil"},
        {"faq_question": "Soft", "section": "Other"},
    ]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("## Eggs\n### How do I boil one?\nSlowly.\n", ["How do I boil one?"]),
        ("Q: Why is it wet?\nA: Rain.\nQ2. And now?\n", ["Why is it wet?", "And now?"]),
        ("**Why is it wet?**\nRain.\n", ["Why is it wet?"]),
        ("1. Why is it wet?\n2) Why is it dry?\n", ["Why is it wet?", "Why is it dry?"]),
        ("Why is it wet?\n--------------\nRain.\n", ["Why is it wet?"]),
        ("Why is it wet?\nHow dry is it?\n", ["Why is it wet?", "How dry is it?"]),
        ("Frage: Warum ist es nass?\nAntwort: Regen\n", ["Warum ist es nass?"]),
        ("## [Why](#a) is it wet?\n", ["Why is it wet?"]),
        ("## Why is it wet? {#wet .x}\n## Is it? {: #it}\n", ["Why is it wet?", "Is it?"]),
        ("```\n## Why is it wet?\n```\n## Is it code?\n", ["Is it code?"]),
        ("It is wet.\nIs it? No.\n", []),
        ("", []),
    ],
)
def test_questions_are_told_by_their_marks(text: str, asked: list[str]) -> None:
    assert of_text(text) == asked


@pytest.mark.parametrize("count", [399, 400, 401, 5_000])
def test_no_question_of_a_long_list_is_lost(count: int) -> None:
    found = list(rows(io.BytesIO(b"## Is it wet?\n" * count), is_html=False))

    assert [one.line for one in found] == list(range(1, count + 1))


@pytest.mark.parametrize("before", [0, 3, 450])
def test_a_line_that_is_too_long_is_told_wherever_it_stands(before: int) -> None:
    text = "## Is it wet?\n" * before + "a" * (LINE_LIMIT + 5) + "\n## And now?\n"

    found = list(rows(io.BytesIO(text.encode()), is_html=False))

    assert found[before] == (before + 1, "the line is too long")
    assert (found[-1].line, len(found)) == (before + 2, before + 2)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("<!DOCTYPE html>\n<p>", "a"),
        ("Q: Why?\nA: So.\nQ: How?\n", "faq.txt"),
        ("Why is it wet?\nHow dry is it?\n", ""),
    ],
)
def test_a_list_of_questions_is_recognised(head: str, name: str) -> None:
    assert is_list(head, name)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("Q: Why?\nA: So.\nQ: How?\n", "faq.csv"),
        ("id,title\n1,Why?\n2,How?\n", "a"),
        ("id  title\n1  Why?\n", "a"),
        ("Why is it wet?\nIt is wet.\n", ""),
        ("", ""),
    ],
)
def test_a_table_is_not_taken_for_a_list_of_questions(head: str, name: str) -> None:
    assert not is_list(head, name)
