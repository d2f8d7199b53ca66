"""The file of a backup: a tar of small compressed parts, written and read once from front to end.

`manifest.json` comes first, then `tables/NAME/NUMBER.zst`, parts of Postgres' binary COPY, then
`end.json` with rows and digests. A file without a valid end is refused.
"""

import hashlib
import io
import json
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from db.errors import InvalidInputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
_PART = 4 * 1024**2
_LEVEL = 3
MANIFEST, END = "manifest.json", "end.json"


class UnreadableBackupError(InvalidInputError):
    """The file is not a complete backup."""


@dataclass(frozen=True, slots=True)
class Written:
    """How much of one table was written or read."""

    size: int
    digest: str


class Writer:
    """Writes a backup to a stream that need not be seekable."""

    def __init__(self, target: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, name: str, content: bytes) -> None:
        """Add one part."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
        self._tar.addfile(entry, io.BytesIO(content))

    def add_json(self, name: str, content: object) -> None:
        """Add a part that people read."""
        self.add(name, json.dumps(content, indent=2, default=str).encode())

    def close(self) -> None:
        """Write the end of the tar."""
        self._tar.close()


class TableWriter:
    """A file to which Postgres copies a table; its parts go to the backup one by one."""

    def __init__(self, writer: Writer, table: str) -> None:
        self._writer, self._table = writer, table
        self._held, self._number = bytearray(), 0
        self._digest, self.size = hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        """Take bytes of the copy."""
        self._held += data
        self._digest.update(data)
        self.size += len(data)
        if len(self._held) >= _PART:
            self._flush()
        return len(data)

    def _flush(self) -> None:
        name = f"tables/{self._table}/{self._number:06}.zst"
        self._writer.add(name, zstd.compress(bytes(self._held), _LEVEL))
        self._held.clear()
        self._number += 1

    def finish(self) -> Written:
        """Write the rest, and return how much was written."""
        self._flush()
        return Written(self.size, self._digest.hexdigest())


class Reader:
    """Reads a backup from front to end; raises `UnreadableBackupError`."""

    def __init__(self, source: BinaryIO) -> None:
        try:
            self._tar = tarfile.open(fileobj=source, mode="r|")  # noqa: SIM115
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UnreadableBackupError(f"this is not a backup: {error}") from error
        self._waiting: tuple[str, bytes] | None = None

    def next_json(self, name: str) -> dict[str, Any]:
        """Return the next part, which must be called *name*."""
        found, content = self._take()
        if found != name:
            raise UnreadableBackupError(f"this backup is not complete: {name} is missing")
        return _object(content)

    def parts(self, table: str) -> Iterator[bytes]:
        """Yield the decompressed parts of a table, which must come next."""
        number = 0
        while self._name() == f"tables/{table}/{number:06}.zst":
            yield _unpacked(self._take()[1])
            number += 1

    def _name(self) -> str:
        if self._waiting is None:
            self._waiting = self._read()
        return self._waiting[0]

    def _take(self) -> tuple[str, bytes]:
        self._name()
        taken, self._waiting = self._waiting, None
        return taken or ("", b"")

    def _read(self) -> tuple[str, bytes]:
        try:
            entry = self._tar.next()
            content = None if entry is None else self._tar.extractfile(entry)
            if entry is None or content is None:
                return "", b""
            return str(PurePosixPath(entry.name)), content.read()
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UnreadableBackupError(f"the backup is not complete: {error}") from error


def _unpacked(content: bytes) -> bytes:
    try:
        return bytes(zstd.decompress(content))
    except zstd.ZstdError as error:
        raise UnreadableBackupError(f"the backup is damaged: {error}") from error


def _object(content: bytes) -> dict[str, Any]:
    try:
        held = json.loads(content)
    except ValueError as error:
        raise UnreadableBackupError(f"the backup is damaged: {error}") from error
    if not isinstance(held, dict):
        raise UnreadableBackupError("the backup is damaged: an object is missing")
    return held


class TableReader:
    """A file from which Postgres reads a table."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._held = b""
        self._at = 0
        self._digest, self.size = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most *size*; none at the end of the table."""
        while self._at >= len(self._held):
            part = next(self._parts, None)
            if part is None:
                return b""
            self._digest.update(part)
            self.size += len(part)
            self._held, self._at = part, 0
        end = len(self._held) if size < 0 else self._at + size
        taken = self._held[self._at : end]
        self._at += len(taken)
        return taken

    def finish(self) -> Written:
        """Return how much was read."""
        return Written(self.size, self._digest.hexdigest())
