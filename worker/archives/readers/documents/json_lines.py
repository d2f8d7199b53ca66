"""Reads JSON lines: one object a line, or several."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from worker.archives.readers.containers.streams import TOO_LONG, lines, many_lines
from worker.archives.readers.records import ManyRows, Row, Rows

DECODER = json.JSONDecoder()
NO_OBJECT = "it is no JSON object"
SPACE = re.compile(r"[\s,\x1e]*+")
"""Signs between values; RFC 7464 puts a record separator before each value."""
_AT_ONCE = 64
"""Number of lines that are decoded together."""
_LINE_ENDS = frozenset({"\n", "\r\n", ""})


class JsonRow(NamedTuple):
    """One line of JSON, or one element of an array."""

    number: int
    """Its line, from 1."""
    value: dict[str, Any] | str
    """The object, or the reason why there is none."""
    chars: int


class Broken(NamedTuple):
    """A value that cannot be used, with the reason."""

    reason: str


def row_of(number: int, value: object, chars: int) -> JsonRow:
    """Return the row of a decoded *value*; what is no object becomes the reason why."""
    if isinstance(value, Broken):
        return JsonRow(number, value.reason, chars)
    return JsonRow(number, value if isinstance(value, dict) else NO_OBJECT, chars)


def json_lines(file: BinaryIO) -> Iterator[JsonRow]:
    """Yield the objects of each line that is not blank."""
    return _of_lines(lines(file))


def _of_lines(found: Iterable[tuple[int, str | None]]) -> Iterator[JsonRow]:
    for number, text in found:
        line = text
        if line is None:
            yield JsonRow(number, TOO_LONG, 0)
        elif line := line.strip(" \t\r\n\x1e\ufeff"):  # RFC 7464 marks each record
            yield from _of_line(number, line)


def many_json_lines(file: BinaryIO) -> Iterator[Rows]:
    """Yield the rows of `json_lines`; objects in a row with the same keys come many at once."""
    for first, texts in many_lines(file):
        if texts is None:
            yield Row(first, TOO_LONG)
            continue
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            many = _at_once(first + start, some)
            if many is not None:
                yield many
            else:
                found = _of_lines(enumerate(some, start=first + start))
                yield from (Row(row.number, row.value) for row in found)


def _at_once(first: int, texts: Sequence[str]) -> ManyRows | None:
    """Return the objects of *lines* if each has one and all have the same keys, otherwise None."""
    try:
        found = list(map(DECODER.raw_decode, texts))
    except (ValueError, RecursionError):
        return None
    ends = {text[end:] for text, (_, end) in zip(texts, found, strict=True)}
    values = [value for value, _ in found]
    if not ends <= _LINE_ENDS or set(map(type, values)) != {dict}:
        return None
    names = list(values[0])
    if not names or any(list(value) != names for value in values):
        return None
    columns = zip(*map(dict.values, values), strict=True)
    return ManyRows(range(first, first + len(texts)), dict(zip(names, columns, strict=True)))


def _of_line(number: int, line: str) -> Iterator[JsonRow]:
    """Yield the object of a line, or several objects one after the other."""
    place = 0
    while place < len(line):
        try:
            value, end = DECODER.raw_decode(line, place)
        except (ValueError, RecursionError):
            value, end = decoded(line[place:]), len(line)
        behind = end
        if end < len(line) and (found := SPACE.match(line, end)):
            behind = found.end()
        if behind < len(line) and not (isinstance(value, dict) and line[behind] == "{"):
            value, behind = decoded(line[place:]), len(line)
        yield row_of(number, value, behind - place)
        place = behind


def decoded(text: str) -> object:
    """Return the value of *text*, or a `Broken`."""
    try:
        value, end = DECODER.raw_decode(text)
        return value if end == len(text) else json.loads(text)
    except ValueError as error:
        return Broken(f"it is not valid JSON: {error}")
    except RecursionError:
        return Broken("it is nested too deeply")
