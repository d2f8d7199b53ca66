"""Reads values of YAML as texts, lists and objects; a file cannot make anything else.

Every scalar stays a text, so an id ``0123`` does not change. The value of an alias is in memory
once, and is counted each time that it is repeated.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEPTH = 40
_ANCHORS, _ANCHORED = 1_000, 1 << 16
"""Most named values that are kept, and most characters of one of them."""
_REPEATS = 10
"""For each character of the file aliases may repeat so many."""
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "<<"
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 133), *range(134, 160)))

_Sized = tuple[Any, int]
"""A value, and its characters with all that its aliases repeat."""


class BrokenError(Exception):
    """A text has no usable value; the message has the reason."""


class Values:
    """Reads values, and keeps the named ones, which later values may repeat."""

    def __init__(self) -> None:
        self._known: dict[str, _Sized] = {}
        self._chars = 0
        self._left = RECORD_LIMIT
        """Characters that aliases may still repeat; grows with the file."""

    def forget(self) -> None:
        """Forget all names, because another document begins."""
        self._known.clear()

    def read(self, text: str) -> Any:
        """Return the value of a document; raises `BrokenError`."""
        self._chars = 0
        self._left += _REPEATS * len(text)
        try:
            text.encode()
            events = yaml.parse(text.translate(_CONTROL), Loader=_LOADER)
            for event in events:
                if isinstance(event, yaml.NodeEvent):
                    return self._value(event, events, 0)[0]
        except UnicodeEncodeError:
            raise BrokenError("it is not valid in this encoding: is --encoding right?") from None
        except yaml.MarkedYAMLError as error:
            raise BrokenError(f"it is not valid YAML: {error.problem}") from None
        except yaml.YAMLError:
            raise BrokenError("it is not valid YAML") from None
        return None

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Sized:
        if depth > _DEPTH:
            raise BrokenError("it is nested too deeply")
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event.anchor or "")
        before = self._chars
        if isinstance(event, yaml.SequenceStartEvent):
            value: Any = self._list(events, depth)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._object(events, depth)
        else:
            value = _scalar(event)
            self._count(len(value or "") + 1)
        size = self._chars - before
        name = getattr(event, "anchor", None)
        if name and size <= _ANCHORED and len(self._known) < _ANCHORS:
            self._known[name] = value, size
        return value, size

    def _count(self, chars: int) -> None:
        self._chars += chars
        if self._chars > RECORD_LIMIT:
            raise BrokenError(RECORD_TOO_LONG)

    def _repeated(self, name: str) -> _Sized:
        if name not in self._known:
            raise BrokenError(f"it repeats *{name}, which is not there or too long")
        value, size = self._known[name]
        self._left -= size
        if self._left < 0:
            raise BrokenError("its aliases repeat far more than the file holds")
        self._count(size)
        return value, size

    def _list(self, events: Iterator[yaml.Event], depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(self._value(event, events, depth + 1)[0])
        self._count(1)
        return found

    def _object(self, events: Iterator[yaml.Event], depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._value(event, events, depth + 1)[0]
            value = self._value(next(events), events, depth + 1)[0]
            if key == _MERGE:
                for one in value if isinstance(value, list) else [value]:
                    merged = (one if isinstance(one, dict) else {}) | merged
            else:
                own["" if key is None else str(key)] = value
        self._count(1)
        return merged | own if merged else own


def _scalar(event: Any) -> str | None:
    value: str = event.value
    return None if value in _NULLS and event.implicit[0] else value
