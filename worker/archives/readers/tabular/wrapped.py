"""Takes the quotes from around whole rows, which spreadsheets put there if all is in one column."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import UnreadableArchiveError

_DELIMITERS = ",;\t"
_HALVES = "surrogateescape"


def is_wrapped(header: Sequence[str]) -> bool:
    """Return whether the only name of *header* is a whole header itself."""
    if len(header) != 1:
        return False
    rows = (next(csv.reader(header, delimiter=one), []) for one in _DELIMITERS)
    return any(len(row) > 1 and names_questions(row) for row in rows)


def opened(whole: Callable[[], BinaryIO]) -> BinaryIO:
    """Return the text with each row's own quotes only."""
    return io.BufferedReader(_Rows(whole()))


class _Rows(io.RawIOBase):
    def __init__(self, file: BinaryIO) -> None:
        self._file, self._held = file, b""
        self._rows = csv.reader(str(line, "utf-8", _HALVES) for line in file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = len(buffer)
        if not self._held:
            try:
                row = next(self._rows, None)
            except csv.Error as error:
                raise UnreadableArchiveError(f"a row in quotes cannot be read: {error}") from error
            self._held = b"" if row is None else f"{','.join(row)}\n".encode(errors=_HALVES)
        taken, self._held = self._held[:room], self._held[room:]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()
