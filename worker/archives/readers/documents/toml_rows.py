"""Reads TOML: tables in lists, and tables under keys.

A whole document is kept in memory, so its size is limited.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, BinaryIO

from worker.archives.readers.documents.json_rows import Found, Path
from worker.archives.readers.documents.yaml_rows import below
from worker.archives.readers.records import Row, UnreadableArchiveError

_WHOLE = 16 << 20
"""Largest document in bytes; its values take several times as much memory."""
_FIRST = re.compile(
    r"(?:\s*\#[^\n]*\n|\s*[\w-]{1,60}\s*=[^\n]*\n|\s*\n)*+\s*\[\[[\w.\"'-]{1,200}\]\][ \t]*\r?\n"
)


def is_toml(head: str, suffix: str) -> bool:
    """Return whether a text that begins with *head* is TOML."""
    return suffix == ".toml" or _FIRST.match(head) is not None


def look(file: BinaryIO) -> Found:
    """Return the tables in a document by path; raises `UnreadableArchiveError`."""
    found = Found()
    found.see(_read(file))
    return found


def rows(file: BinaryIO, wanted: Path) -> Iterator[Row]:
    """Yield the tables at the path *wanted*, by their number."""
    for number, row in enumerate(below(_read(file), wanted, 1, None), start=1):
        yield Row(number, row.values)


def _read(file: BinaryIO) -> Any:
    data = file.read(_WHOLE + 1)
    if len(data) > _WHOLE:
        raise UnreadableArchiveError("it is too large for TOML: write it as JSON Lines or CSV")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadableArchiveError(f"it is not valid TOML: {error}") from error
