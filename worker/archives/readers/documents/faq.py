"""Reads lists of questions with answers in Markdown, HTML and plain text, as sites publish them."""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Sequence
from html.parser import HTMLParser
from itertools import chain, islice
from typing import BinaryIO

from worker.archives.readers.containers.streams import lines
from worker.archives.readers.documents import pages
from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import RECORD_LIMIT, Row
from worker.archives.readers.tabular.dialect import guess_delimiter

COLUMNS = ("faq_question", "section", "anchor", "hidden_by")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*(?:\s*\{:?\s*[#.][^{}]*\})?\s*$")
_ASKED = re.compile(
    r"[ ]*(?:[-*+] +|\d{1,3}[.)] +)?(?:\*\*|__)?"
    r"(?P<mark>Q|Question|F|Frage|P|Pregunta|Pergunta|D|Domanda|Vraag"
    r"|\u0412|\u0412\u043e\u043f\u0440\u043e\u0441|\u95ee|\u554f|\u8cea\u554f)"
    r" ?\d{0,3} ?[:.)\uff1a\uff0e] *"
    r"[\"']?(?P<text>[^\t]+?)[\"']?(?:\*\*|__)?\s*$",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\s*(?:[-*+\u2022] +|(?:Subject: +)?\d{1,3}(?:\.\d{1,3})*[.)]? +|={1,5} +)"
    r"([^\t]{6,}?[?\uff1f\u061f\u037e])[\"*_= ]*$"
)
"""A line that begins with a number, bullet or heading's mark and ends with a question mark."""
_ALONE = re.compile(r"\s*([^\t]{6,}?[?\uff1f\u061f])\s*$")
_BOX = re.compile(r"(?<=[-*+] )\[[ xX]\] +")
_UNDERLINE = re.compile(r"\s*([-=~^\"'*+#])\1{3,}\s*$")
_STRONG = re.compile(r"\s*(?:[-*+]\s+|\d{1,3}[.)]\s+)?(?:\*\*|__)(.+?\?)(?:\*\*|__)\s*$")
_NUMBER = re.compile(r"^(?:Q?\d{1,3}(?:\.\d{1,3})*[.):]?\s+)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_QUESTIONS = {"dt", "summary", "question", "h2", "h3", "h4", "h5", "h6"}
_COMMENT, _COMMENT_BEGINS = re.compile("<!--.*?-->", re.DOTALL), "<!--"
_LONGEST, _LOOKED = 500, 400
_FEWEST = 2
_TABLE = re.compile(r"\.(?:csv|tsv|tab)\b", re.IGNORECASE)
_PAGE = re.compile(
    r"\s*(?:<!doctype html|<html|<dl|<section|<article|<div|<details|<h[1-6])", re.IGNORECASE
)


def is_list(head: str, name: str) -> bool:
    """Return whether a text that begins with *head* is a list of questions."""
    if _PAGE.match(head):
        return True
    some = head.splitlines()[:400]
    first = next((line for line in some if line.strip()), "")
    if _TABLE.search(name) or names_questions(first.split(guess_delimiter(first))):
        return False
    if names_questions(re.split(r"\s{2,}", first.strip())):  # columns with only spaces between them
        return False
    marked = sum(1 for line in some if _asked(line) or _COUNTED.match(line))
    return marked >= _FEWEST or _all_ask(some)


def _all_ask(some: Sequence[str]) -> bool:
    """Return whether each line of a text is a question by itself."""
    filled = [line for line in some if line.strip()]
    return len(filled) >= _FEWEST and all(map(_ALONE.match, filled))


def rows(file: BinaryIO, *, is_html: bool) -> Iterator[Row]:
    """Yield the questions of a list."""
    yield from _from_html(file) if is_html else _from_text(file)


def _asked(line: str) -> str | None:
    """Return the question in a line of text if it is marked as one, otherwise None."""
    line = _BOX.sub("", line)
    if found := _ASKED.match(line):
        is_certain = len(found["mark"]) > 1 or found["mark"] in "Qq" or found["text"].endswith("?")
        return found["text"] if is_certain else None
    if found := _STRONG.match(line):
        return found[1]
    if found := _COUNTED.match(line):
        return found[1]
    found = _HEADING.match(line)
    return found[2] if found and found[2].rstrip("*_ ").endswith("?") else None


def _from_text(file: BinaryIO) -> Iterator[Row]:
    section, in_code, held = "", False, ""
    whole = lines(file)
    begin = list(islice(whole, _LOOKED))
    alone = _all_ask([line or "" for _, line in begin])
    hidden = pages.hidden_by("\n".join((line or "").rstrip("\r\n") for _, line in begin))
    for number, line in _without_comments(chain(begin, whole)):
        if line is None:
            yield Row(number, "the line is too long")
            continue
        if line.lstrip().startswith(("```", "~~~")):
            in_code = not in_code
        if in_code:
            continue
        question = _asked(line) or (line.strip() if alone else None)
        if _UNDERLINE.match(line) and held.rstrip().endswith("?") and not _asked(held):
            number, question = number - 1, held.strip()  # noqa: PLW2901  # the line above is a heading
        held = line
        heading = _HEADING.match(line)
        if question:
            plain = _LINK.sub(r"\1", _NUMBER.sub("", question)).strip("*_` ")
            yield Row(number, {"faq_question": plain, "section": section, "hidden_by": hidden})
        elif heading:
            section = heading[2]


def _without_comments(
    numbered: Iterable[tuple[int, str | None]],
) -> Iterator[tuple[int, str | None]]:
    """Yield lines without what is in comments of HTML, which nobody sees."""
    in_comment = False
    for number, line in numbered:
        if line is None or (not in_comment and _COMMENT_BEGINS not in line):
            yield number, line
            continue
        whole = f"{_COMMENT_BEGINS}{line}" if in_comment else line
        shown, begun, _ = _COMMENT.sub("", whole).partition(_COMMENT_BEGINS)
        in_comment = bool(begun)
        yield number, shown


class _Questions(HTMLParser):
    """Finds the questions of a page: terms, summaries, headings that end with a question mark."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Row] = []
        self._tag, self._id, self._text, self._line, self._section = "", "", list[str](), 1, ""
        self._is_data, self._data, self._known = False, list[str](), set[object]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own_id = dict(attrs).get("id") or ""
        self._is_data = tag == "script" and dict(attrs).get("type") == "application/ld+json"
        if tag in _QUESTIONS or tag == "h1":
            self._tag, self._id, self._text = tag, own_id, []
            self._line = self.getpos()[0]
        elif self._tag and own_id and not self._id:
            self._id = own_id

    def handle_data(self, data: str) -> None:
        if self._is_data:
            self._data.append(data)  # a page comes in pieces, and so does what is in it
        elif self._tag and sum(map(len, self._text)) <= _LONGEST:
            self._text.append(data)

    def _read_data(self) -> None:
        for asked in _of_linked_data("".join(self._data)):
            if asked not in self._known:
                self._known.add(asked)
                self.found.append(Row(self.getpos()[0], {"faq_question": asked, "section": ""}))
        self._is_data, self._data = False, []

    def handle_endtag(self, tag: str) -> None:
        if self._is_data and tag == "script":
            self._read_data()
        if tag != self._tag:
            return
        text = " ".join("".join(self._text).split())
        if text.endswith("?") or (tag in {"dt", "summary"} and text):
            values = {"faq_question": _NUMBER.sub("", text), "section": self._section}
            self.found.append(
                Row(self._line, values | ({"anchor": f"#{self._id}"} if self._id else {}))
            )
        elif tag.startswith("h"):
            self._section = text
        self._tag = ""


def _of_linked_data(data: str) -> list[str]:
    """Return the questions of a page's ``application/ld+json``, as search engines read them."""
    try:
        left: list[object] = [json.loads(data)]
    except (ValueError, RecursionError):
        return []
    found = []
    while left:
        one = left.pop()
        if isinstance(one, list):
            left.extend(reversed(one))
        elif isinstance(one, dict) and one.get("@type") == "Question":
            found.append(str(one.get("name", "")))
        elif isinstance(one, dict):
            left.extend(value for value in one.values() if isinstance(value, (dict, list)))
    return found


def _from_html(file: BinaryIO) -> Iterator[Row]:
    parser, decoder = _Questions(), getincrementaldecoder("utf-8")("replace")
    while chunk := file.read(RECORD_LIMIT >> 4):
        parser.feed(decoder.decode(chunk))
        yield from parser.found
        parser.found.clear()
    parser.close()
    yield from parser.found
