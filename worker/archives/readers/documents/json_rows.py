"""Reads JSON documents with objects somewhere inside.

A document is never kept in memory: its text moves through a window, and each wanted object is
decoded alone. The end of an object is found without decoding. So a broken object, or one that is
too long, is rejected alone, and no byte is read more than a few times.

The path of an object is the keys that lead to it, without places in arrays. If keys are numbers or
names of records, ``*`` means any key: ``forums.threads``, ``topic_list.topics``, ``*``.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from worker.archives.readers.containers.window import CHUNK, Scan, Window
from worker.archives.readers.documents.json_lines import (
    DECODER,
    NO_OBJECT,
    SPACE,
    Broken,
    JsonRow,
    decoded,
    row_of,
)
from worker.archives.readers.meaning.columns import KEY
from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Row,
    UnreadableArchiveError,
)

_COLON = re.compile(r"\s*+")
_DEPTH = 40
_TAKEN_APART = 1 << 20
"""Taking apart an element that is too long costs so many characters of the budget."""
_PATHS = 2_000
"""Most different paths of objects in a document; further ones are ignored."""
_OF_ARRAY = 50
_KEYED, _KEYS_APART = 3, 20
"""An object with so many objects under keys may have records there; and most keys that are kept."""
ANY = "*"

Path = tuple[str, ...]


def _next_char(window: Window) -> str:
    """Skip spaces and commas, and return the next character without taking it; empty at the end."""
    return window.text[window.place] if window.skip(SPACE) else ""


def _take_key(window: Window) -> str:
    """Move past a key and its colon, and return the key."""
    text, _ = window.take_value()
    window.skip(_COLON)
    if not window.pass_over(":"):
        raise UnreadableArchiveError(f"line {window.line}: not valid JSON: a colon is missing")
    key = decoded(text or '""')
    return key if isinstance(key, str) else ""


@dataclass(slots=True)
class Found:
    """The keys of a document's objects that were seen, by path."""

    columns: dict[Path, dict[str, None]] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)
    arrays: set[Path] = field(default_factory=set)
    """Paths of arrays."""
    _children: dict[Path, set[str]] = field(default_factory=dict)

    def see(self, value: object, path: Path = (), *, depth: int = 0) -> None:
        """Record all objects of a decoded value at *path*, *depth* levels below the document."""
        if depth >= _DEPTH:
            return
        if isinstance(value, list):
            self.arrays.add(path)
            for one in value[:_OF_ARRAY]:
                if isinstance(one, (dict, list)):
                    self.see(one, path, depth=depth + 1)
        elif isinstance(value, dict):
            self.note(path, value)
            self.counts[path] = self.counts.get(path, 0) + 1
            for key, one in value.items():
                if isinstance(one, (dict, list)):
                    self.see(one, (*path, self.child(path, key, one)), depth=depth + 1)

    def child(self, path: Path, key: str, value: object = None) -> str:
        """Return *key*, or `ANY` if the object at *path* has too many keys.

        The keys of *value* are recorded under `ANY` too.
        """
        if not isinstance(value, dict) and value is not None:
            return key
        keys = self._children.setdefault(path, set())
        if len(keys) < _KEYS_APART:
            keys.add(key)
        if isinstance(value, dict):
            self.note((*path, ANY), value)
        return key if key in keys else ANY

    def note(self, path: Path, keys: Iterable[str]) -> None:
        """Record the keys of an object at *path*."""
        if path in self.columns or len(self.columns) < _PATHS:
            self.columns.setdefault(path, {}).update(dict.fromkeys(keys))

    def is_single(self, path: Path) -> bool:
        """Return whether there can be only one object at *path*."""
        return ANY not in path and not any(
            path[:length] in self.arrays for length in range(len(path) + 1)
        )

    def is_mixed(self, path: Path) -> bool:
        """Return whether the objects under the keys at *path* are of different kinds.

        For example, a post may be beside its author and its community.
        """
        keys = self._children.get(path[:-1], ()) if path[-1:] == (ANY,) else ()
        some = [found for key in keys if (found := self.columns.get((*path[:-1], key)))]
        shared = set(some[0]).intersection(*some[1:]) if some else set()
        return bool(some) and 2 * len(shared) < min(map(len, some))

    def tables(self) -> dict[Path, list[str]]:
        """Return the paths of objects with their columns."""
        found = {}
        for path, columns in self.columns.items():
            stars = [path[:place] for place, key in enumerate(path) if key == ANY]
            if all(len(self._children.get(one, ())) >= _KEYED for one in stars):
                found[path] = list(columns) + ([KEY] if path[-1:] == (ANY,) else [])
        return found


def look(file: BinaryIO, limit: int) -> Found:
    """Return the objects in the first *limit* characters of one or several documents.

    Raises `UnreadableArchiveError` if the text is damaged before the first object.
    """
    found, window = Found(), Window(file)
    budget = [limit]
    try:
        while budget[0] > 0 and _next_char(window):
            _look(window, (), found, budget)
    except UnreadableArchiveError:
        if not found.columns:
            raise
    return found


def _look(window: Window, path: Path, found: Found, budget: list[int], *, depth: int = 0) -> None:
    """Record the value that begins here, in pieces if it is long."""
    mark = _next_char(window)
    if mark == "[" and depth < _DEPTH:
        found.arrays.add(path)
        window.pass_over("[")
        while budget[0] > 0 and (mark := _next_char(window)) != "]":
            if not mark:
                raise UnreadableArchiveError(f"line {window.line}: the file ends inside an array")
            _look_at_element(window, path, found, budget, depth=depth + 1)
        window.pass_over("]")
    elif mark == "{" and depth < _DEPTH:
        _look_inside(window, path, found, budget, depth=depth + 1)
    else:
        _, length = window.take_value()
        budget[0] -= length + 1
        if not length:
            window.move(window.place + 1)


def _look_inside(
    window: Window, path: Path, found: Found, budget: list[int], *, depth: int
) -> None:
    window.pass_over("{")
    found.note(path, ())
    found.counts[path] = found.counts.get(path, 0) + 1
    while budget[0] > 0 and (mark := _next_char(window)) != "}":
        if not mark:
            raise UnreadableArchiveError(f"line {window.line}: the file ends inside an object")
        key = _take_key(window)
        found.note(path, (key,))
        if _next_char(window) == "{":
            key = found.child(path, key, {})
            _look(window, (*path, key), found, budget, depth=depth)
            found.note((*path, ANY), found.columns.get((*path, key), ()))
        else:
            _look(window, (*path, key), found, budget, depth=depth)
    window.pass_over("}")


def _look_at_element(
    window: Window, path: Path, found: Found, budget: list[int], *, depth: int
) -> None:
    """Record an element; only one that is longer than a record may be is taken apart."""
    while True:
        begin = window.place
        try:
            value, end = DECODER.raw_decode(window.text, begin)
        except (ValueError, RecursionError):
            scan = Scan()
            end, value = scan.advance(window.text, begin), None
            length = len(window.text) - begin
            if not scan.is_over and length < RECORD_LIMIT:
                if not window.ahead(2 * length + CHUNK):
                    raise UnreadableArchiveError(
                        f"line {window.line}: the file ends inside a value"
                    ) from None
                continue
            if not scan.is_over:
                budget[0] -= _TAKEN_APART
                _look(window, path, found, budget, depth=depth)
                return
        budget[0] -= end - begin + 1
        window.move(max(end, begin + 1))
        found.see(value, path, depth=depth)
        return


def objects(file: BinaryIO, wanted: Path) -> Iterator[Row]:
    """Yield the objects at the path *wanted*, of one document or several in a row."""
    window = Window(file)
    while _next_char(window):
        yield from _objects(window, wanted, "")


def _objects(window: Window, left: Path, key: str, *, depth: int = 0) -> Iterator[Row]:
    """Yield the objects at the path *left* below the value that begins here."""
    mark = _next_char(window)
    if mark == "[" and depth < _DEPTH:
        window.pass_over("[")
        yield from _below_array(window, left, depth=depth + 1)
    elif mark == "{" and left:
        window.pass_over("{")
        yield from _below_object(window, left, depth=depth + 1)
    elif mark == "{":
        number = window.line
        value, chars = _taken(window)
        yield _keyed(row_of(number, value, chars), key)
    else:
        _pass_by(window)


def _below_array(window: Window, left: Path, *, depth: int) -> Iterator[Row]:
    if not left:
        for number, value, chars in _elements(window, opens=_DEPTH - depth):
            yield _keyed(row_of(number, value, chars), "")
        return
    while (mark := _next_char(window)) != "]":
        if not mark:
            raise UnreadableArchiveError(f"line {window.line}: the file ends inside an array")
        yield from _objects(window, left, "", depth=depth)
    window.pass_over("]")


def _below_object(window: Window, left: Path, *, depth: int) -> Iterator[Row]:
    while (mark := _next_char(window)) != "}":
        if not mark:
            raise UnreadableArchiveError(f"line {window.line}: the file ends inside an object")
        own = _take_key(window)
        if left[0] in {own, ANY}:
            below = own if left[0] == ANY else ""
            yield from _objects(window, left[1:], below, depth=depth)
        else:
            _pass_by(window)
    window.pass_over("}")


def _pass_by(window: Window) -> None:
    mark = _next_char(window)
    _, length = window.take_value()
    if not length:
        raise UnreadableArchiveError(
            f"line {window.line}: not valid JSON: {mark!r} is not expected"
        )


def _keyed(row: JsonRow, key: str) -> Row:
    if key and isinstance(row.value, dict):
        row.value.setdefault(KEY, key)
    return Row(row.number, row.value)


def _elements(window: Window, *, opens: int = 0) -> Iterator[tuple[int, object, int]]:
    """Yield the line, the value or a `Broken`, and the length of each element of an array.

    Arrays inside the array, such as the pages of an API, are opened on so many levels. Raises
    `UnreadableArchiveError` if the file ends inside the array.
    """
    decoder = json.JSONDecoder()
    while window.skip(SPACE):
        if window.pass_over("]"):
            return
        number = window.line
        if window.pass_over("}"):
            yield number, Broken(NO_OBJECT), 1
            continue
        if opens and window.pass_over("["):
            yield from _elements(window, opens=opens - 1)
            continue
        try:
            value, end = decoder.raw_decode(window.text, window.place)
        except (ValueError, RecursionError):
            yield number, *_taken(window)
            continue
        if end == len(window.text):  # a number may continue in the next piece
            yield number, *_taken(window)
        else:
            begin = window.place
            window.move(end)
            yield number, value, end - begin
    raise UnreadableArchiveError(f"line {window.line}: the file ends inside an array")


def array_at(file: BinaryIO, path: Path) -> Iterator[tuple[int, object]]:
    """Yield the elements, with their lines, of the first array at *path*."""
    yield from _array_at(Window(file), path)


def _array_at(window: Window, left: Path) -> Iterator[tuple[int, object]]:
    mark = _next_char(window)
    if mark == "[":
        window.pass_over("[")
        if left:
            yield from _array_at(window, left)
            return
        for number, value, _ in _elements(window):
            yield number, None if isinstance(value, Broken) else value
    elif mark == "{" and left:
        window.pass_over("{")
        while _next_char(window) not in {"}", ""}:
            if _take_key(window) == left[0]:
                yield from _array_at(window, left[1:])
                return
            _pass_by(window)


def in_a_row(file: BinaryIO) -> Iterator[tuple[int, object]]:
    """Yield the documents of a file, with their lines, each of them whole."""
    window = Window(file)
    while _next_char(window):
        number = window.line
        value, length = _taken(window)
        if not length:
            return
        yield number, None if isinstance(value, Broken) else value


def _taken(window: Window) -> tuple[object, int]:
    text, length = window.take_value()
    return (Broken(RECORD_TOO_LONG) if text is None else decoded(text)), length
