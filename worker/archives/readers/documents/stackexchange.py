"""Reads dumps of Stack Exchange: ``Posts.xml``, ``PostLinks.xml``; one ``<row .../>`` in a line.

Each row is parsed alone. So only a broken row is rejected, and the parser never sees entities that
a harmful file declares.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from worker.archives.readers.containers.streams import TOO_LONG, lines
from worker.archives.readers.records import (
    RECORD_LIMIT,
    KnownPair,
    Reject,
    Row,
    UnreadableArchiveError,
)

_DUPLICATE_LINK = "3"
_CONTROL = re.compile(
    r"&#(?:0*(?:[0-8]|1[1-24-9]|2\d|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])|x[fF]{3}[efEF]"
    r"|x[dD][89a-fA-F][0-9a-fA-F]{2});|[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
)
"""Characters that XML does not allow, but that exporters write."""


def rows(file: BinaryIO) -> Iterator[Row]:
    """Yield the attributes of each row; raises `UnreadableArchiveError` for declarations."""
    held = _Held()
    for number, line in lines(file):
        if line is None:
            held.clear()
            yield Row(number, TOO_LONG)
            continue
        if "<!DOCTYPE" in line or "<!ENTITY" in line:
            raise UnreadableArchiveError(
                f"line {number}: declarations of document types and entities are not accepted"
            )
        if not held.parts:
            begin = line.find("<row")
            if begin < 0:
                continue
            held.start, line = number, line[begin:]  # noqa: PLW2901  # the text before it is no row
        held.add(line)
        if line.rstrip().endswith(">"):
            yield from (Row(held.start, row) for row in _parsed("".join(held.parts)))
            held.clear()
        elif held.length > RECORD_LIMIT:
            yield Row(held.start, "the row never ends")
            held.clear()
    if held.parts:
        yield Row(held.start, "the file ends inside this row")


class _Held:
    """The lines of a row that is not complete yet."""

    def __init__(self) -> None:
        self.start, self.parts, self.length = 0, list[str](), 0

    def add(self, line: str) -> None:
        self.parts.append(line)
        self.length += len(line)

    def clear(self) -> None:
        self.parts.clear()
        self.length = 0


def _parsed(text: str) -> Iterator[dict[str, str] | str]:
    found: list[dict[str, str] | str] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            found.append(attributes)

    parser.StartElementHandler = start
    body = _CONTROL.sub("", text[: text.rindex(">") + 1])
    if (end := body.rfind("/>")) >= 0:  # leaves out the end tag of the document
        body = body[: end + 2]
    try:
        parser.Parse(f"<rows>{body}</rows>".encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        return iter((f"it is no XML: {expat.ErrorString(error.code)}",))
    return iter(found)


def links(file: BinaryIO) -> Iterator[KnownPair | Reject]:
    """Yield the duplicates of ``PostLinks.xml``: the question first, then the older one."""
    for number, row in rows(file):
        if isinstance(row, str):
            yield Reject(number, row)
        elif row.get("LinkTypeId") == _DUPLICATE_LINK:
            if row.get("PostId", "").isdigit() and row.get("RelatedPostId", "").isdigit():
                target = row["RelatedPostId"]
                yield KnownPair(number, row["PostId"], target, canonical_id=target)
            else:
                yield Reject(number, "the link does not name two posts")
