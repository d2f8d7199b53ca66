"""A cache in the memory of one process, for answers that may be a second old."""

import time
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class TimedCache(Generic[_Key, _Value]):
    """Keeps at most *size* values for *ttl_s* seconds each; safe to share among threads."""

    def __init__(self, ttl_s: float, *, size: int = 4_096) -> None:
        self._ttl_s = ttl_s
        self._size = size
        self._values: dict[_Key, tuple[float, _Value]] = {}

    def find(self, key: _Key) -> _Value | None:
        """Return the value of *key*, or None if there is none or it is too old."""
        kept = self._values.get(key)
        return kept[1] if kept is not None and time.monotonic() - kept[0] < self._ttl_s else None

    def put(self, key: _Key, value: _Value) -> None:
        """Keep *value* under *key*."""
        if len(self._values) >= self._size and key not in self._values:
            self._values.clear()
        self._values[key] = (time.monotonic(), value)
