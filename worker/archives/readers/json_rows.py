"""JSON: one object a line, or documents with arrays of objects somewhere inside.

A document is never held: its text moves through a window, and each element of an array is decoded
alone. Where an element ends is found without decoding it, so one that is broken, or longer than a
record may be, is rejected alone, and no byte is looked at more than a few times.
"""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Columns,
    Record,
    Reject,
    UnreadableArchiveError,
)
from worker.archives.readers.streams import TOO_LONG, lines

_HEAD = 200
"""Objects that are looked at to find the columns: a field may be missing in the first."""
_CHUNK = 1 << 18
_NO_OBJECT = "it is no JSON object"
# Possessive: what was matched is never tried again, which would cost memory for each character.
_SKIP = re.compile(r'[^"\[]*+')
_SPACE = re.compile(r"[\s,]*+")
_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_PLAIN = re.compile(r'[^"\[\]{}]*+')
_SCALAR = re.compile(r'[^"\[\]{}\s,]*+')


class JsonRow(NamedTuple):
    """What one line of JSON holds, or one element of an array."""

    number: int
    """Its line, from 1."""
    value: dict[str, Any] | str
    """The object, or why there is none."""
    chars: int


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
        source = json_lines(file) if is_lines else _document(file, chosen)
        head: list[JsonRow] = []
        names: dict[str, None] = {}
        for item in source:
            head.append(item)
            if isinstance(item.value, dict):
                names.update(dict.fromkeys(item.value))
            if len(head) == _HEAD or sum(one.chars for one in head) > RECORD_LIMIT:
                break
        if not names:
            reason = f": line {head[0].number}, {head[0].value}" if head else ""
            raise UnreadableArchiveError(f"no JSON object was found{reason}")
        self.columns = Columns.resolve(list(names), chosen, is_nested=True)
        self._rows = chain(head, source)

    def __iter__(self) -> Iterator[Record]:
        names, fields = self.columns.names, self.columns.fields
        paths = [names.get(field) for field in fields]
        for number, row, _ in self._rows:
            if isinstance(row, str):
                yield Reject(number, row)
            else:
                values = [None if path is None else _value(row, path) for path in paths]
                yield from self.columns.records(number, values)


class _Broken(NamedTuple):
    """A value that cannot be used, with the reason."""

    reason: str


def _row(number: int, value: object, chars: int) -> JsonRow:
    if isinstance(value, _Broken):
        return JsonRow(number, value.reason, chars)
    return JsonRow(number, value if isinstance(value, dict) else _NO_OBJECT, chars)


def json_lines(file: BinaryIO) -> Iterator[JsonRow]:
    """Yield what each line that is not blank holds."""
    for number, line in lines(file):
        if line is None:
            yield JsonRow(number, TOO_LONG, 0)
        elif not line.isspace():
            yield _row(number, _decoded(line), len(line))


def _decoded(text: str) -> object:
    """Return the value of *text*, or a `_Broken`."""
    try:
        return json.loads(text)
    except ValueError as error:
        return _Broken(f"it is no JSON: {error}")
    except RecursionError:
        return _Broken("it is nested too deeply")


class _Text:
    """A window that moves over a document's text; ``place`` is the position of reading."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.place, self.line = "", 0, 1

    @property
    def is_used_up(self) -> bool:
        """Return whether the window has been read to its end."""
        return self.place == len(self.text)

    def more(self) -> bool:
        """Read more and return whether there was any."""
        data = self._file.read(_CHUNK)
        self.text = self.text[self.place :] + self._decoder.decode(data, final=not data)
        self.place = 0
        return bool(data)

    def move(self, place: int) -> None:
        """Move to *place*."""
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Go behind all that *pattern* matches and return whether something is left."""
        while True:
            if found := pattern.match(self.text, self.place):
                self.move(found.end())
            if not self.is_used_up:
                return True
            if not self.more():
                return False

    def pass_over(self, mark: str) -> bool:
        """Move behind *mark* if it comes next, and return whether it does."""
        found = self.text.startswith(mark, self.place)
        if found:
            self.move(self.place + len(mark))
        return found

    def take_value(self) -> tuple[str | None, int]:
        """Go behind the value that begins here; return its text, None if too long, and length.

        Raises `UnreadableArchiveError` when the file ends first.
        """
        parts: list[str] = []
        length, state = 0, _Scan()
        while True:
            end = state.advance(self.text, self.place)
            length += end - self.place
            if length <= RECORD_LIMIT:
                parts.append(self.text[self.place : end])
            else:
                parts.clear()
            self.move(end)
            if state.is_over:
                return ("".join(parts) if length <= RECORD_LIMIT else None), length
            if not self.more():
                raise UnreadableArchiveError(f"line {self.line}: the file ends inside a value")


class _Scan:
    """Finds where a JSON value ends, piece by piece, without understanding it."""

    def __init__(self) -> None:
        self.depth, self.in_string, self.is_over = 0, False, False

    def advance(self, text: str, place: int) -> int:
        """Return the place up to which *text* belongs to the value, from *place* on."""
        while place < len(text) and not self.is_over:
            if self.in_string:
                place = self._through_string(text, place)
                if self.in_string:  # it goes on in the next piece
                    break
            elif text[place] == '"':
                self.in_string = True
                place += 1
            elif text[place] in "[{":
                self.depth += 1
                place += 1
            elif not self.depth:
                place = self._through_scalar(text, place)
            elif text[place] in "]}":
                self.depth -= 1
                self.is_over = not self.depth
                place += 1
            else:
                place = _end_of(_PLAIN, text, place)
        return place

    def _through_string(self, text: str, place: int) -> int:
        place = _end_of(_STRING, text, place)
        if not text.startswith('"', place):
            return place
        self.in_string = False
        self.is_over = not self.depth
        return place + 1

    def _through_scalar(self, text: str, place: int) -> int:
        place = _end_of(_SCALAR, text, place)
        self.is_over = place < len(text)
        return place


def _end_of(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _document(file: BinaryIO, chosen: Mapping[str, str] | None) -> Iterator[JsonRow]:
    window = _Text(file)
    while _to_array(window):
        usable: bool | None = None
        for number, value, chars in _elements(window):
            is_broken = isinstance(value, _Broken)
            if usable is None and not is_broken:
                usable = isinstance(value, dict) and _has_question(value, chosen)
            if usable or (is_broken and usable is None):
                yield _row(number, value, chars)


def _has_question(row: dict[str, Any], chosen: Mapping[str, str] | None) -> bool:
    try:
        Columns.resolve(list(row), chosen, is_nested=True)
    except UnreadableArchiveError:
        return False
    return True


def _to_array(window: _Text) -> bool:
    """Move behind the next ``[`` outside strings."""
    while window.skip(_SKIP):
        if window.pass_over("["):
            return True
        window.pass_over('"')
        # A backslash at the window's end waits for what it escapes.
        while window.skip(_STRING) and not window.pass_over('"'):
            if not window.more():
                return False
    return False


def _elements(window: _Text) -> Iterator[tuple[int, object, int]]:
    """Yield each element of an array, or a `_Broken`, with its line and length.

    Raises `UnreadableArchiveError` when the file ends inside the array.
    """
    decoder = json.JSONDecoder()
    while window.skip(_SPACE):
        if window.pass_over("]"):
            return
        number = window.line
        if window.pass_over("}"):
            yield number, _Broken(_NO_OBJECT), 1
            continue
        try:
            value, end = decoder.raw_decode(window.text, window.place)
        except (ValueError, RecursionError):
            yield number, *_taken(window)
            continue
        if end == len(window.text):  # a number may go on in the next piece
            yield number, *_taken(window)
        else:
            begin = window.place
            window.move(end)
            yield number, value, end - begin
    raise UnreadableArchiveError(f"line {window.line}: the file ends inside an array")


def _taken(window: _Text) -> tuple[object, int]:
    text, length = window.take_value()
    return (_Broken(RECORD_TOO_LONG) if text is None else _decoded(text)), length
