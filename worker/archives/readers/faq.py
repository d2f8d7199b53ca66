"""Lists of questions with answers: Markdown, HTML and plain text, as sites publish them."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import BinaryIO

from worker.archives.readers.records import RECORD_LIMIT, Row
from worker.archives.readers.streams import lines

COLUMNS = ("faq_question", "section", "anchor")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ASKED = re.compile(
    r"[ ]*(?:[-*+] +|\d{1,3}[.)] +)?(?:\*\*|__)?(?:Q|Question|F|Frage) ?\d{0,3} ?[:.)] *([^\t]+?)"
    r"(?:\*\*|__)?\s*$"
)
_STRONG = re.compile(r"\s*(?:[-*+]\s+|\d{1,3}[.)]\s+)?(?:\*\*|__)(.+?\?)(?:\*\*|__)\s*$")
_NUMBER = re.compile(r"^(?:Q?\d{1,3}(?:\.\d{1,3})*[.):]?\s+)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_QUESTIONS = {"dt", "summary", "h2", "h3", "h4", "h5", "h6"}
_LONGEST = 500
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
    marked = sum(1 for line in some if _asked(line))
    return marked >= _FEWEST and not _TABLE.search(name)


def rows(file: BinaryIO, *, is_html: bool) -> Iterator[Row]:
    """Yield the questions of a list."""
    yield from _from_html(file) if is_html else _from_text(file)


def _asked(line: str) -> str | None:
    """Return the question that a line of text asks, if it is marked as one."""
    if found := _ASKED.match(line):
        return found[1]
    if found := _STRONG.match(line):
        return found[1]
    found = _HEADING.match(line)
    return found[2] if found and found[2].rstrip("*_ ").endswith("?") else None


def _from_text(file: BinaryIO) -> Iterator[Row]:
    section, in_code = "", False
    for number, line in lines(file):
        if line is None:
            yield Row(number, "the line is too long")
            continue
        if line.lstrip().startswith(("```", "~~~")):
            in_code = not in_code
        if in_code:
            continue
        question = _asked(line)
        heading = _HEADING.match(line)
        if question:
            plain = _LINK.sub(r"\1", _NUMBER.sub("", question)).strip("*_` ")
            yield Row(number, {"faq_question": plain, "section": section})
        elif heading:
            section = heading[2]


class _Questions(HTMLParser):
    """Finds what asks in a page: terms, summaries and headings that end with a question mark."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Row] = []
        self._tag, self._id, self._text, self._line, self._section = "", "", list[str](), 1, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own_id = dict(attrs).get("id") or ""
        if tag in _QUESTIONS or tag == "h1":
            self._tag, self._id, self._text = tag, own_id, []
            self._line = self.getpos()[0]
        elif self._tag and own_id and not self._id:
            self._id = own_id

    def handle_data(self, data: str) -> None:
        if self._tag and sum(map(len, self._text)) <= _LONGEST:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
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


def _from_html(file: BinaryIO) -> Iterator[Row]:
    parser = _Questions()
    while chunk := file.read(RECORD_LIMIT >> 4):
        parser.feed(chunk.decode("utf-8", "replace"))
        yield from parser.found
        parser.found.clear()
    parser.close()
    yield from parser.found
