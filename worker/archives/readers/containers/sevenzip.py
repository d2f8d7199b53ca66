"""Reads 7z files as a stream: no member is written to disk or kept in memory."""

import io
import os
import threading
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO

import py7zr
from py7zr.io import Py7zIO, WriterFactory

from db.wording import counted
from worker.archives.readers.containers.damage import why
from worker.archives.readers.records import UnreadableArchiveError, refuse_bomb

MAGIC = b"7z\xbc\xaf\x27\x1c"
_CHUNK = 1 << 20


class _PipeEnd(Py7zIO):
    """Writes the bytes that py7zr decompresses to a pipe."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._count = file, 0

    def write(self, s: bytes | bytearray) -> int:
        self._file.write(s)
        self._count += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002  # asked for by py7zr
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002  # asked for by py7zr
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._count


class _ToPipe(WriterFactory):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def create(self, filename: str) -> Py7zIO:  # noqa: ARG002  # asked for by py7zr
        return _PipeEnd(self._file)


def _pump(archive: Any, name: str, write_end: int, errors: list[Exception]) -> None:
    try:
        with os.fdopen(write_end, "wb") as file:
            archive.extract(targets=[name], factory=_ToPipe(file))
    except Exception as error:  # noqa: BLE001  # a broken pipe too, when the reader has gone away
        errors.append(error)
    finally:
        archive.close()


class _Piped(io.RawIOBase):
    """Bytes that another thread decompresses; an error of that thread is raised here."""

    def __init__(self, archive: Any, name: str) -> None:
        self._read_end, write_end = os.pipe()
        self._errors: list[Exception] = []
        # A daemon thread: closing the reader ends the pipe and so stops the thread.
        self._thread = threading.Thread(
            target=_pump, args=(archive, name, write_end, self._errors), daemon=True
        )
        self._thread.start()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = os.read(self._read_end, len(buffer))
        if not data:
            self._thread.join()
            if self._errors:
                raise _damaged(self._errors[0])
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            os.close(self._read_end)
        super().close()


def opened(file: BinaryIO, member: str) -> BinaryIO:
    """Return the file called *member* in a 7z file, or its only file.

    Raises `UnreadableArchiveError`.
    """
    try:
        archive = py7zr.SevenZipFile(file)
        sizes = {info.filename: info.uncompressed for info in archive.list() if info.is_file}
        name = _choose(sizes, member)
        # The sizes of all: files before the wanted one are decompressed too.
        refuse_bomb(sum(sizes.values()), file.seek(0, os.SEEK_END))
        archive.reset()
    except UnreadableArchiveError:
        file.close()
        raise
    except Exception as error:
        file.close()
        raise _damaged(error) from error
    weakref.finalize(archive, file.close)
    return io.BufferedReader(_Piped(archive, name), _CHUNK)


def _damaged(error: Exception) -> Exception:
    # For a file that was broken on purpose py7zr raises errors of many kinds.
    if isinstance(error, MemoryError):
        return error
    return UnreadableArchiveError(f"the 7z file cannot be unpacked: {why(error)}")


def _choose(names: Collection[str], member: str) -> str:
    found = next((name for name in names if name == member or Path(name).name == member), None)
    if found is not None:
        return found
    if len(names) != 1:
        raise UnreadableArchiveError(
            f"the 7z file has {counted(len(names), 'file')} and no {member}: extract the right one"
        )
    return next(iter(names))


def members(file: BinaryIO) -> list[str]:
    """Return the names of the files in the 7z file *file*, and close *file*."""
    try:
        with file, py7zr.SevenZipFile(file) as archive:
            infos = [info for info in archive.list() if info.is_file]
            refuse_bomb(sum(info.uncompressed for info in infos), file.seek(0, os.SEEK_END))
            return [info.filename for info in infos]
    except UnreadableArchiveError:
        raise
    except Exception as error:
        raise _damaged(error) from error
