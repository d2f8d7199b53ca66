"""Unpacks gzip, zstd, xz, LZMA and bzip2 in bounded memory, also several packed texts in a row.

What is behind the last packed text, such as the padding of a tape or of a broken download, is not
unpacked. Its length is reported, unless it is only zeros.
"""

import bz2
import io
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

from worker.archives.readers.records import UnreadableArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 1 << 18
_ZSTD_WINDOW_LOG, _ZSTD_HEAD = 27, 6
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_XZ, _LZMA, _BZIP2 = b"\xfd7zXZ\x00", b"\x5d\x00\x00", b"BZh"
_SKIPPED = tuple(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60))
"""The beginning of a frame of zstd that has no data, see RFC 8878, 3.1.2."""
_XZ_MEMORY = 96 << 20
_WITH_WINDOW = 31
"""For zlib: the data has the header and the check sum of gzip."""

Left = Callable[[int], None]
"""Is called with the number of bytes that are not unpacked."""


class _Unpacker(Protocol):
    """Unpacks one packed text, as the classes of `bz2`, `lzma` and `zstd` do."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """Does for gzip what the classes of the other formats do."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=_WITH_WINDOW)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(0, max_length))


def _zstd() -> _Unpacker:
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    return cast("_Unpacker", zstd.ZstdDecompressor(options=options))


def _lzma() -> _Unpacker:
    # The writer of a file chooses how much memory reading needs.
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)


_KINDS: tuple[tuple[tuple[bytes, ...], Callable[[], _Unpacker]], ...] = (
    ((_GZIP,), _Gzip),
    ((_ZSTD, *_SKIPPED), _zstd),
    ((_XZ, _LZMA), _lzma),
    ((_BZIP2,), bz2.BZ2Decompressor),
)
"""The first bytes of each format, and its unpacker."""


class Unpacked(io.RawIOBase):
    """The unpacked content of a file that begins with one of the *marks*."""

    def __init__(
        self, file: BinaryIO, marks: tuple[bytes, ...], new: Callable[[], _Unpacker], left: Left
    ) -> None:
        self._file, self._marks, self._new, self._left = file, marks, new, left
        self._unpacker = new()
        self._has_ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes; raises `EOFError` if the file ends too early."""
        limit = size if size >= 0 else CHUNK
        data = b""
        while not data and not self._has_ended:
            if self._unpacker.eof:
                rest = self._next()
            else:
                rest = self._file.read(CHUNK) if self._unpacker.needs_input else b""
                if not rest and self._unpacker.needs_input:
                    raise EOFError("it ends too early")
            if not self._has_ended:
                data = self._unpacker.decompress(rest, limit)
        return data

    def _next(self) -> bytes:
        """Return the begin of the next packed text; without one the content has ended."""
        rest = self._unpacker.unused_data.lstrip(b"\0")
        while len(rest) < len(_XZ) and (more := self._file.read(CHUNK)):
            rest = (rest + more).lstrip(b"\0")
        if rest.startswith(self._marks):
            self._unpacker = self._new()
            return rest
        self._has_ended = True
        if rest:
            self._left(len(rest) + sum(map(len, iter(lambda: self._file.read(CHUNK), b""))))
        return b""


def unpacked(packed: "io.BufferedReader[Any]", left: Left) -> BinaryIO | None:
    """Return the unpacked content of *packed*, by its first bytes; None if it is not packed."""
    magic = packed.peek(_ZSTD_HEAD)
    if magic.startswith(_ZSTD):
        _refuse_wide(magic)
    for marks, new in _KINDS:
        if magic.startswith(marks):
            return cast("BinaryIO", Unpacked(cast("BinaryIO", packed), marks, new, left))
    return None


def _refuse_wide(head: bytes) -> None:
    """Raise `UnreadableArchiveError` if zstd's window is larger than the allowed memory.

    See RFC 8878, 3.1.1.1: the byte after the mark and the descriptor gives the window, unless bit 5
    of the descriptor is set; then the window is the size of the whole content.
    """
    if len(head) < _ZSTD_HEAD or head[4] & 0x20:
        return
    log = 10 + (head[5] >> 3)
    if log > _ZSTD_WINDOW_LOG:
        raise UnreadableArchiveError(
            f"it was packed with zstd --long={log}: unpacking it needs {1 << log - 20:,} MiB of"
            f" memory, and at most {1 << _ZSTD_WINDOW_LOG - 20} are allowed. Unpack it first, with"
            f" zstd -d --long={log} FILE, and import the result"
        )
