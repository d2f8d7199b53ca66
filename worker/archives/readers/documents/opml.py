"""Reads OPML: outlines inside outlines. Those that end with a question mark are the questions."""

import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from worker.archives.readers.documents import xml_rows
from worker.archives.readers.records import Row, UnreadableArchiveError

COLUMNS = ("outline", "section", "asks", "url", "is_comment")
_ROOT = re.compile(r"(?:<\?.*?\?>|<!--.*?-->|\s)*<opml\b", re.DOTALL | re.IGNORECASE)
_ASKS = re.compile(r"[?\uff1f\u061f\u037e][\"')\]\s]*$")
_LOOKED, _DEPTH = 20_000, 60


def is_opml(head: str) -> bool:
    """Return whether a text that begins with *head* is OPML."""
    return _ROOT.match(head) is not None


class _Outlines:
    """Makes rows of outlines; the section of a row is the nearest outer one that is no question."""

    def __init__(self) -> None:
        self.found: list[Row] = []
        self.parser = xml_rows.new_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._sections: list[str] = []
        self._comment = 0
        """Depth of the outermost outline that is a comment; 0 outside of one."""

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name.lower() != "outline":
            return
        line = self.parser.CurrentLineNumber
        if len(self._sections) >= _DEPTH:
            raise UnreadableArchiveError(f"line {line}: it is nested too deeply")
        if "xmlUrl" in given:
            raise UnreadableArchiveError("these are subscriptions to feeds, no questions")
        text = (given.get("text") or given.get("title") or "").strip()
        around = self._sections[-1] if self._sections else ""
        asks = _ASKS.search(text) is not None
        url = given.get("url") or given.get("htmlUrl") or None
        if not self._comment and given.get("isComment", "").lower() == "true":
            self._comment = len(self._sections) + 1
        values = {
            "outline": text, "section": around, "asks": "yes" if asks else "no", "url": url,
        }  # fmt: skip
        hidden = {"is_comment": "yes"} if self._comment else {}
        self.found.append(Row(line, values | hidden))
        self._sections.append(around if asks else text)

    def _end(self, name: str) -> None:
        if name.lower() == "outline":
            if len(self._sections) == self._comment:
                self._comment = 0
            self._sections.pop()


def rows(file: BinaryIO) -> Iterator[Row]:
    """Yield every outline."""
    outlines = _Outlines()
    for data in chain(xml_rows.pieces(file), [b""]):
        fault = xml_rows.feed(outlines.parser, data, final=not data)
        yield from outlines.found
        outlines.found.clear()
        if fault is not None:
            yield fault
            return


def look(file: BinaryIO) -> None:
    """Raise `UnreadableArchiveError` if no outline is certain to be a question."""
    told = [row.values for row in islice(rows(file), _LOOKED)]
    outlines = [one for one in told if not isinstance(one, str)]
    if any(one["asks"] == "yes" for one in outlines):
        return
    some = ", ".join(repr(one["outline"]) for one in outlines[:3])
    raise UnreadableArchiveError(
        f"none of its outlines ends with a question mark ({some}), so none is certain to be a"
        " question: write those that are as lines of a text, or as CSV"
    )
