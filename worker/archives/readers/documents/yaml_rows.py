"""Reads YAML: lists of records, records under keys of their own, and several documents.

The text is cut at the lines where records begin, and each record is read alone. So a broken record,
or one that is too long, is rejected alone, and only one is in memory. Lists are searched under keys
and keys below them; a list inside a record belongs to the record.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from worker.archives.readers.containers.streams import lines
from worker.archives.readers.documents.json_rows import ANY, Found, Path
from worker.archives.readers.documents.yaml_values import BrokenError, Values
from worker.archives.readers.meaning.columns import KEY
from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row

_CONTAINER = re.compile(
    r"""(?P<key>"[^"\\]*"|'[^']*'|[^\s#"'\[{&*!|>%@`-][^#]*?)\s*:(?:\s+!\S+)?\s*"""
)
"""A key alone on its line: its value is on the lines below."""
_COMMENT = re.compile(r"(?:^|\s)#.*")
_KEY = r"[\w\"' -]{1,40}:(?: [^\n]*)?\n"
_FIRST = re.compile(
    rf"(?:%YAML|---\s*\n\s*(?:- |{_KEY})|- {_KEY} {{2,}}{_KEY}|[\w-]{{1,40}}:\n *- {_KEY})"
)
_DOCUMENT = re.compile(r"(?:---(?:\s+(?P<value>.*))?|\.\.\.|%.*)$")
_DEPTH = 20


def is_yaml(head: str, suffix: str) -> bool:
    """Return whether a text that begins with *head* is YAML."""
    return suffix in {".yaml", ".yml"} or (
        suffix not in {".md", ".markdown"} and _FIRST.match(head) is not None
    )


class _Line(NamedTuple):
    number: int
    column: int
    text: str
    """The text without its indentation; empty for an empty line or a comment."""
    whole: str


class _Unit(NamedTuple):
    """A value of the file: an item of a list, or the value of a key."""

    line: int
    path: Path
    """The path of the list or object that contains the value."""
    key: str | None
    """None for an item of a list."""
    value: Any
    """A `BrokenError` if it cannot be used."""
    is_built: bool = False
    """Whether the value is an object of earlier units."""

    @property
    def own_path(self) -> Path:
        return self.path if self.key is None else (*self.path, self.key)


@dataclass(slots=True)
class _Level:
    """An object whose keys are read one after the other."""

    line: int
    column: int
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    chars: int = 0

    def add(self, key: str | None, value: Any, chars: int, line: int) -> None:
        """Keep a value, unless all values together are longer than a record may be."""
        if not self.chars:
            self.line = line
        self.chars += chars
        if self.chars > RECORD_LIMIT:
            self.values.clear()
            self.items.clear()
        elif not isinstance(value, BrokenError):
            if key is None:
                self.items.append(value)
            else:
                self.values[key] = value


class _Reader:
    """Cuts lines into units."""

    def __init__(self, file: BinaryIO, limit: int | None = None) -> None:
        self._source, self._limit = lines(file), limit
        self._values = Values()
        self._levels = [_Level(1, -1, "")]
        self._ahead: list[_Line] = []
        self._chars = 0

    def units(self) -> Iterator[_Unit]:
        """Yield every unit; an object comes after its values."""
        while (line := self._next()) is not None:
            if not line.text:
                continue
            if found := _DOCUMENT.match(line.text) if not line.column else None:
                yield from self._close(-1)
                self._values.forget()
                if found["value"]:
                    self._ahead.append(_line(line.number, f"    {found['value']}\n"))
                continue
            is_item = line.text[:2].strip() == "-"
            yield from self._close(line.column + is_item)
            if is_item or not self._is_opened(line):
                yield self._unit(line, is_item=is_item)
        yield from self._close(-1)

    def _next(self) -> _Line | None:
        if self._ahead:
            return self._ahead.pop()
        if self._limit is not None and self._chars > self._limit:
            return None
        number, text = next(self._source, (0, ""))
        self._chars += len(text or "")
        return _line(number, text) if number else None

    def _close(self, column: int) -> Iterator[_Unit]:
        """End the objects that are indented to *column* or more."""
        while len(self._levels) > 1 and self._levels[-1].column >= max(column, 0):
            ended = self._levels.pop()
            yield from self._built(ended)
            value = ended.items or ended.values
            self._levels[-1].add(ended.key, value, ended.chars, ended.line)
        if column < 0:
            yield from self._built(self._levels[0])
            self._levels = [_Level(1, -1, "")]

    def _built(self, level: _Level) -> Iterator[_Unit]:
        if level.values:
            key = level.key if level.column >= 0 else None
            yield _Unit(level.line, self._path, key, level.values, is_built=True)

    @property
    def _path(self) -> Path:
        return tuple(level.key for level in self._levels[1:])

    def _is_opened(self, line: _Line) -> bool:
        """Return whether a key has a list or further keys, which are then read on their own."""
        found = _CONTAINER.fullmatch(_COMMENT.sub("", line.text))
        if found is None or len(self._levels) > _DEPTH:
            return False
        held = []
        while (below := self._next()) is not None and not below.text:
            held.append(below)
        if below is not None:
            held.append(below)
        self._ahead += reversed(held)
        if below is None:
            return False
        is_list = below.text[:2].strip() == "-" and below.column >= line.column
        is_deeper = below.column > line.column and _CONTAINER.fullmatch(below.text)
        if is_list or is_deeper:
            key = found["key"].strip("\"'")
            self._levels.append(_Level(line.number, line.column, key))
        return bool(is_list or is_deeper)

    def _unit(self, first: _Line, *, is_item: bool) -> _Unit:
        """Return the value that begins with a line and continues with the more indented ones."""
        parts, chars = [first.whole], len(first.whole)
        is_long = chars > RECORD_LIMIT or not first.whole
        while (line := self._next()) is not None:
            if line.text and line.column <= first.column and line.text[0] not in "]}":
                self._ahead.append(line)
                break
            chars += len(line.whole)
            is_long = is_long or chars > RECORD_LIMIT or not line.whole
            if not is_long:
                parts.append(line.whole)
        value: Any
        try:
            value = BrokenError(RECORD_TOO_LONG) if is_long else self._values.read("".join(parts))
        except BrokenError as error:
            value = error
        key = None
        if is_item:
            value = value[0] if isinstance(value, list) and value else value
        elif isinstance(value, dict) and value:
            key, value = next(iter(value.items()))
        else:
            key = first.text.partition(":")[0]
        self._levels[-1].add(key, value, chars, first.number)
        return _Unit(first.number, self._path, key, value)


def _line(number: int, text: str | None) -> _Line:
    if text is None:
        return _Line(number, 1 << 20, "?", "")
    text = text.removeprefix("\ufeff")
    bare = text.lstrip(" ")
    is_empty = not bare.strip() or bare[0] == "#"
    return _Line(number, len(text) - len(bare), "" if is_empty else bare.rstrip(), text)


def look(file: BinaryIO, limit: int) -> Found:
    """Return the objects in the first *limit* characters, by path."""
    found = Found()
    for unit in _Reader(file, limit).units():
        if unit.key is None and not unit.is_built:
            found.arrays.add(unit.path)
        path = unit.path
        if unit.key is not None:
            found.note(path, (unit.key,))
            path = (*path, found.child(path, unit.key, unit.value))
        if unit.is_built:
            found.note(path, unit.value)
            found.counts[path] = found.counts.get(path, 0) + 1
        elif isinstance(unit.value, (dict, list)):
            found.see(unit.value, path, depth=len(path))
    return found


def rows(file: BinaryIO, wanted: Path) -> Iterator[Row]:
    """Yield the objects at the path *wanted*."""
    for unit in _Reader(file).units():
        own = unit.own_path
        if len(own) > len(wanted) or not all(map(_meets, wanted, own)):
            continue
        left = wanted[len(own) :]
        key = unit.key if own and wanted[len(own) - 1 : len(own)] == (ANY,) else None
        if isinstance(unit.value, BrokenError):
            yield Row(unit.line, str(unit.value))
        elif unit.key is None and not left and not isinstance(unit.value, (dict, list)):
            yield Row(unit.line, "it is no record, but a text")
        elif not (unit.is_built and left):
            yield from below(unit.value, left, unit.line, key)


def _meets(wanted: str, own: str) -> bool:
    return wanted in {own, ANY}


def below(value: Any, left: Path, line: int, key: str | None) -> Iterator[Row]:
    """Yield the objects at the path *left* below a value."""
    if isinstance(value, list):
        for one in value:
            yield from below(one, left, line, None)
    elif isinstance(value, dict) and left:
        for own, one in value.items():
            if _meets(left[0], own):
                yield from below(one, left[1:], line, own if left[0] == ANY else None)
    elif isinstance(value, dict):
        yield Row(line, value if key is None else {KEY: key} | value)
