"""Stack Exchange dumps: questions of ``Posts.xml``, duplicates of ``PostLinks.xml``.

The dumps have one ``<row .../>`` in a line. Each is parsed alone. So only a broken one is rejected,
and entities that a hostile file declares are never known to the parser.
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO
from xml.parsers import expat

from worker.archives.readers.records import (
    RECORD_LIMIT,
    Columns,
    KnownPair,
    Record,
    Reject,
    UnreadableArchiveError,
    plain_text,
)
from worker.archives.readers.streams import TOO_LONG, lines

_QUESTION, _DUPLICATE_LINK = "1", "3"
_NAMES = {
    "id": "Id",
    "title": "Title",
    "body": "Body",
    "category": "Tags",
    "author": "OwnerUserId",
    "asked_at": "CreationDate",
}


def _rows(file: BinaryIO) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Yield the attributes of each row, or the reason why it cannot be read."""
    held = _Held()
    for number, line in lines(file):
        if line is None:
            held.clear()
            yield number, TOO_LONG
            continue
        if "<!DOCTYPE" in line or "<!ENTITY" in line:
            raise UnreadableArchiveError(
                f"line {number}: declarations of document types and entities are not accepted"
            )
        if not held.parts:
            begin = line.find("<row")
            if begin < 0:
                continue
            held.start, line = number, line[begin:]  # noqa: PLW2901  # what comes before is no row
        held.add(line)
        if line.rstrip().endswith(">"):
            yield from ((held.start, row) for row in _parsed("".join(held.parts)))
            held.clear()
        elif held.length > RECORD_LIMIT:
            yield held.start, "the row never ends"
            held.clear()
    if held.parts:
        yield held.start, "the file ends inside this row"


class _Held:
    """The lines of a row that is not at its end yet."""

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
    body = text[: text.rindex(">") + 1]
    if (end := body.rfind("/>")) >= 0:  # without the end tag of the document
        body = body[: end + 2]
    try:
        parser.Parse(f"<rows>{body}</rows>".encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        return iter((f"it is no XML: {expat.ErrorString(error.code)}",))
    return iter(found)


class PostsReader:
    """The questions of ``Posts.xml``; answers and other posts are skipped."""

    def __init__(self, file: BinaryIO) -> None:
        self.columns = Columns(_NAMES)
        self._file = file

    def __iter__(self) -> Iterator[Record]:
        for number, row in _rows(self._file):
            if isinstance(row, str):
                yield Reject(number, row)
            elif row.get("PostTypeId") == _QUESTION:
                yield from self.columns.records(number, _values(row))


def _values(row: Mapping[str, str]) -> list[str | None]:
    tags = row.get("Tags", "").replace("><", " ").replace("|", " ").strip("<> ")
    return [
        row.get("Id"),
        row.get("Title"),
        plain_text(row.get("Body", "")),
        None,
        tags,
        row.get("OwnerUserId"),
        row.get("CreationDate"),
    ]


def links(file: BinaryIO) -> Iterator[KnownPair | Reject]:
    """Yield the duplicates of ``PostLinks.xml``: the question first, then the older one."""
    for number, row in _rows(file):
        if isinstance(row, str):
            yield Reject(number, row)
        elif row.get("LinkTypeId") == _DUPLICATE_LINK:
            if row.get("PostId", "").isdigit() and row.get("RelatedPostId", "").isdigit():
                target = row["RelatedPostId"]
                yield KnownPair(number, row["PostId"], target, canonical_id=target)
            else:
                yield Reject(number, "the link does not name two posts")
