"""JSON: one object a line, or documents with arrays of objects somewhere inside."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO

from worker.archives.readers.records import Columns, Record, Reject, UnreadableArchiveError
from worker.archives.readers.streams import TOO_LONG, lines

_HEAD = 200
"""Objects that are looked at to find the columns: a field may be missing in the first."""
_OBJECT_LIMIT = 4 << 20
_CHUNK = 1 << 18
_SKIP = re.compile(r'(?:[^"\[]|"(?:[^"\\]|\\.)*")+', re.DOTALL)
_SPACE = re.compile(r"[\s,]*")


def _value(row: Mapping[str, Any], path: str) -> Any:
    if path in row:
        return row[path]
    found: Any = row
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


class JsonReader:
    """Objects with a question each, read from JSON lines or from a document."""

    def __init__(self, file: BinaryIO, *, is_lines: bool, chosen: Mapping[str, str] | None) -> None:
        source = _lines(file) if is_lines else _document(file, chosen)
        head: list[tuple[int, dict[str, Any] | str]] = []
        names: dict[str, None] = {}
        for item in source:
            head.append(item)
            if isinstance(item[1], dict):
                names.update(dict.fromkeys(item[1]))
            if len(head) == _HEAD:
                break
        if not names:
            reason = f": line {head[0][0]}, {head[0][1]}" if head else ""
            raise UnreadableArchiveError(f"no JSON object was found{reason}")
        self.columns = Columns.resolve(list(names), chosen)
        self._rows = chain(head, source)

    def __iter__(self) -> Iterator[Record]:
        names, fields = self.columns.names, self.columns.fields
        paths = [names.get(field) for field in fields]
        for number, row in self._rows:
            if isinstance(row, str):
                yield Reject(number, row)
            else:
                values = [None if path is None else _value(row, path) for path in paths]
                yield from self.columns.records(number, values)


def _lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in lines(file):
        if line is None:
            yield number, TOO_LONG
        elif not line.isspace():
            yield number, _object(line)


def _object(line: str) -> dict[str, Any] | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"it is no JSON: {error}"
    return row if isinstance(row, dict) else "it is no JSON object"


class _Text:
    """A document's text as a window that moves on; ``place`` is where reading has come to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.place, self.line = "", 0, 1

    def more(self) -> bool:
        """Read on and return whether there was anything."""
        data = self._file.read(_CHUNK)
        self.text = self.text[self.place :] + self._decoder.decode(data)
        self.place = 0
        if len(self.text) > _OBJECT_LIMIT:
            raise UnreadableArchiveError(
                f"line {self.line}: no JSON value ends within {_OBJECT_LIMIT} characters"
            )
        return bool(data)

    def move(self, place: int) -> None:
        """Go on to *place*."""
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def pass_over(self, mark: str) -> bool:
        """Go behind *mark* and return whether it comes next."""
        found = self.text.startswith(mark, self.place)
        if found:
            self.move(self.place + len(mark))
        return found


def _document(
    file: BinaryIO, chosen: Mapping[str, str] | None
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    window = _Text(file)
    while _to_array(window):
        usable: bool | None = None
        for number, row in _elements(window):
            if usable is None:
                usable = isinstance(row, dict) and _has_question(row, chosen)
            if usable:
                yield number, row if isinstance(row, dict) else "it is no JSON object"


def _has_question(row: dict[str, Any], chosen: Mapping[str, str] | None) -> bool:
    try:
        Columns.resolve(list(row), chosen)
    except UnreadableArchiveError:
        return False
    return True


def _to_array(window: _Text) -> bool:
    """Move to behind the next ``[`` outside strings."""
    while True:
        if skipped := _SKIP.match(window.text, window.place):
            window.move(skipped.end())
        if window.pass_over("["):
            return True
        if not window.more():
            return False


def _elements(window: _Text) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder()
    while True:
        if space := _SPACE.match(window.text, window.place):
            window.move(space.end())
        if window.pass_over("]"):
            return
        try:
            row, end = decoder.raw_decode(window.text, window.place)
            if end == len(window.text) and window.more():  # a number may go on in the next chunk
                continue
        except RecursionError as error:
            raise UnreadableArchiveError(f"line {window.line}: nested too deeply") from error
        except ValueError as error:
            if not window.more():
                raise UnreadableArchiveError(f"line {window.line}: {error}") from error
            continue
        yield window.line, row
        window.move(end)
