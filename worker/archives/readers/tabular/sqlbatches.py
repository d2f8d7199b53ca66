"""Gives the statements in scripts of SQL Server the semicolons that other dumps have."""

import io
import re
from collections.abc import Callable
from typing import BinaryIO

from worker.archives.readers.containers.window import CHUNK

_BATCH_END = re.compile(rb"^GO[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
"""The end of a batch in a script of SQL Server, whose statements need no semicolon."""


def by_semicolons(opened: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
    """Return a function that opens the dump, with semicolons for SQL Server's ``GO`` lines."""
    with opened() as file:
        head = file.read(CHUNK)
    return (lambda: _Batches(opened())) if _BATCH_END.search(head) else opened


class _Batches(io.BufferedReader):
    """A script of SQL Server, with a semicolon instead of each line ``GO``."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(io.BytesIO())
        self._script = file

    def read(self, size: int | None = -1) -> bytes:
        """Return about *size* bytes, up to the end of a line."""
        lines = self._script.readlines(size or CHUNK)
        return b"".join(b";\n" if _BATCH_END.fullmatch(line.rstrip()) else line for line in lines)

    def close(self) -> None:
        """Close the script as well."""
        self._script.close()
        super().close()
