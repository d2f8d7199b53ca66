"""Reads several files as one, such as an archive in parts, without copying them."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path

_BUFFER = 1 << 20


def joined(paths: Sequence[Path]) -> io.BufferedReader:
    """Return the files at *paths* as one file that can be read and seeked. The caller closes it."""
    return io.BufferedReader(_JoinedFiles(paths), _BUFFER)


class _JoinedFiles(io.RawIOBase):
    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._files = [self._stack.enter_context(path.open("rb")) for path in paths]
        self._starts = [0, *accumulate(path.stat().st_size for path in paths)]
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, counted from the start, from here, or from the end; return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill *buffer* from one file at a time; return the number of bytes, 0 at the end."""
        number = bisect_right(self._starts, self._at) - 1
        if number >= len(self._files):
            return 0
        file = self._files[number]
        file.seek(self._at - self._starts[number])
        room = memoryview(buffer)[: self._starts[number + 1] - self._at]
        done = file.readinto(room)
        self._at += done
        return int(done)

    def close(self) -> None:
        """Close all files."""
        self._stack.close()
        super().close()
