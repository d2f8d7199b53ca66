"""Bytes of a file or pipe, decompressed and cut into lines, in bounded memory."""

import codecs
import errno
import io
import itertools
import lzma
import re
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from charset_normalizer import from_bytes

from worker.archives.readers.containers import cesu8, sevenzip
from worker.archives.readers.containers.code_pages import east_asian, likely_page, of_marks
from worker.archives.readers.containers.damage import why
from worker.archives.readers.containers.unpacking import Left, unpacked
from worker.archives.readers.records import UnreadableArchiveError, refuse_bomb

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINE_LIMIT = 1 << 20
"""Bytes of one line; a longer one is rejected unread."""
SAMPLE = 1 << 18
_CHUNK = 1 << 20
_PIECE = 1 << 16
_TWICE = 2
_DAMAGE = (
    *(OSError, EOFError, ValueError, LookupError, RuntimeError, struct.error, tarfile.TarError),
    *(zlib.error, zstd.ZstdError, lzma.LZMAError, zipfile.BadZipFile, zipfile.LargeZipFile),
)
"""The errors of libraries for damaged packed files."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def refusing_damage(about: str) -> Iterator[None]:
    """Raise `UnreadableArchiveError`, *about* before the reason, if the block's file is damaged."""
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise
        raise UnreadableArchiveError(f"{about}: {why(error)}") from error


class Counted(io.RawIOBase):
    """A file that counts the bytes read, for progress and against zip bombs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* and return how many bytes came."""
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def seekable(self) -> bool:
        """Return whether the file can be read from its end."""
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another position of the file and return it."""
        return self._file.seek(offset, whence)

    def close(self) -> None:
        """Close the file as well."""
        self._file.close()
        super().close()


class Guarded(io.RawIOBase):
    """Decompressed bytes; raises `UnreadableArchiveError` if a small file becomes far too large."""

    def __init__(self, file: BinaryIO, packed: Counted) -> None:
        self._file, self._packed, self._count = file, packed, 0

    def close(self) -> None:
        """Close both files."""
        if not self.closed:
            self._file.close()
            self._packed.close()
        super().close()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* and return how many bytes came."""
        with refusing_damage("the compressed file cannot be unpacked"):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._count += len(data)
        refuse_bomb(self._count, self._packed.count)
        return len(data)


def _ignored(_: int) -> None:
    pass


def opened(
    file: BinaryIO, *, member: str = "Posts.xml", left: Left = _ignored
) -> tuple[BinaryIO, Counted]:
    """Return *file*, decompressed as its first bytes say, and the counter of packed bytes.

    A file that was packed twice is unpacked twice. Of a 7z archive *member* is read, or its only
    file. *left* is called with the number of bytes behind the packed data.
    """
    counted = Counted(file)
    packed = io.BufferedReader(cast("io.RawIOBase", counted), _CHUNK)
    if packed.peek(6).startswith(sevenzip.MAGIC):
        return sevenzip.opened(seekable(packed), member), counted
    for _ in range(_TWICE):
        inner = unpacked(packed, left)
        if inner is None:
            break
        packed = io.BufferedReader(cast("io.RawIOBase", Guarded(inner, counted)), _CHUNK)
    return packed, counted


def seekable(stream: BinaryIO) -> BinaryIO:
    """Return *stream* if it can be seeked, otherwise its bytes in a temporary file.

    Raises `UnreadableArchiveError` if the bytes are more than a file of this process may have.
    """
    if stream.seekable():
        return stream
    spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115  # it outlives us
    try:
        while chunk := stream.read(_CHUNK):
            spool.write(chunk)
        spool.seek(0)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        raise UnreadableArchiveError("unpacked, the file is larger than it may be") from error
    return spool


_GUESSED = 1 << 15
_HIGH = re.compile(rb"[^\n]{0,200}[\x80-\xff][^\n]{0,200}")
_WESTERN = frozenset(
    {"cp1252", "latin_1", "iso8859_1", "iso8859_15", "cp1250", "iso8859_2", "cp850", "cp437"}
)
"""Code pages that are guessed for texts of old Macs, whose lines end with a carriage return."""
_OF_MAIL = re.compile(rb"\x1b\$[@AB][!-~\n]{2,}\x1b\([BJ]")
"""Japanese in seven bits, as mail has it."""
_ZEROS = 0.3
"""From this share of zero bytes at even or odd places a text is UTF-16 without a mark."""
_WIDE = 0.9
"""From this share of zero bytes at three of four places it is UTF-32."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_MARKED = ["utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"]
"""Encodings that are recognised by mark or zeros, and never guessed."""


def detect_encoding(sample: bytes) -> str:
    """Return the encoding of a text that begins with *sample*.

    Raises `UnreadableArchiveError` if it is in no known encoding.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    special = _without_mark(sample) or of_marks(sample)
    if special := special or (_OF_MAIL.search(sample) and "iso2022_jp_2"):
        return special
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError as error:
        if cesu8.is_cesu8(sample):
            return cesu8.NAME
        # A single bad byte in otherwise good UTF-8 becomes a reject, not another encoding.
        if sum(byte > 0x7F for byte in sample) > 4 * _bad_sequences(sample):  # noqa: PLR2004
            return "utf-8"
        return _code_page(sample, error)
    return "utf-8"


def _without_mark(sample: bytes) -> str | None:
    """Return the UTF-16 or UTF-32 of a text without a mark, by the zeros of Latin letters."""
    for encoding, zeros in (("utf-32-le", (1, 2, 3)), ("utf-32-be", (0, 1, 2))):
        whole = len(sample) // 4
        if whole and sum(sample[at::4].count(0) for at in zeros) > _WIDE * 3 * whole:
            return encoding
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd > _ZEROS * half and even < odd // 10:
        return "utf-16-le"
    if even > _ZEROS * half and odd < even // 10:
        return "utf-16-be"
    return None


def _code_page(sample: bytes, error: UnicodeDecodeError) -> str:
    """Return the code page, from the lines of *sample* that are not ASCII."""
    telling = b"\n".join(_HIGH.findall(sample))[:_GUESSED]
    if _is_mixed(telling):
        return "utf-8"
    if page := east_asian(telling):
        return page
    matches = from_bytes(telling or sample[:_GUESSED], cp_exclusion=_MARKED)
    best = matches.best()
    if best is None:
        raise UnreadableArchiveError("this is not text in any known encoding") from error
    page = likely_page(telling) or best.encoding
    has_old_ends = b"\r" in sample and b"\n" not in sample
    return "mac_roman" if has_old_ends and page in _WESTERN else page


def _is_mixed(telling: bytes) -> bool:
    """Return whether at least half of the lines of *telling* are good UTF-8.

    Then a few lines come from another place: each is rejected alone, and all others can be read.
    """
    good = [line for line in telling.split(b"\n") if line and _bad_sequences(line) == 0]
    return 2 * len(good) >= telling.count(b"\n") + 1


def _bad_sequences(sample: bytes) -> int:
    return sample.decode("utf-8", "replace").count("\ufffd")


class _Recoded(io.RawIOBase):
    """Text of another encoding, or with line ends of old Macs, read as UTF-8.

    While all is ASCII, the encoding is not known; it is detected at the first other byte.
    """

    def __init__(self, file: BinaryIO, encoding: str, *, has_old_ends: bool) -> None:
        super().__init__()
        self._file, self._has_old_ends = file, has_old_ends
        self._is_open = encoding == "utf-8"
        self._decoder = None if self._is_open else self._decoder_of(encoding)
        self._ready = b""

    @staticmethod
    def _decoder_of(encoding: str) -> codecs.IncrementalDecoder:
        return codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._file.read(_CHUNK // 4)
            if self._is_open and not data.isascii():
                self._is_open = False
                encoding = detect_encoding(data)
                if encoding != "utf-8":
                    self._decoder = self._decoder_of(encoding)
            self._ready = self._recoded(data)
            if not data:
                break
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _recoded(self, data: bytes) -> bytes:
        if self._decoder is not None:
            try:
                data = self._decoder.decode(data, final=not data).encode()
            except UnicodeError as error:  # UTF-16 and UTF-32 need a mark
                raise UnreadableArchiveError(f"it is not in that encoding: {error}") from error
        return data.replace(b"\r", b"\n") if self._has_old_ends else data

    def close(self) -> None:
        self._file.close()
        super().close()


def as_utf8(file: BinaryIO, encoding: str) -> BinaryIO:
    """Return *file* recoded to UTF-8, with line feeds at line ends of old Macs."""
    head = file.peek(SAMPLE)[:SAMPLE] if isinstance(file, io.BufferedReader) else b""
    has_old_ends = b"\r" in head and b"\n" not in head
    if encoding == "utf-8" and not has_old_ends and not head.isascii():
        return file
    return io.BufferedReader(_Recoded(file, encoding, has_old_ends=has_old_ends), _CHUNK)


def lines(file: BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Yield each line with its number, from 1; None instead of a line that is too long.

    Bytes that are not UTF-8 become lone surrogates, so that only the bad row is rejected.
    """
    for number, texts in many_lines(file):
        if texts is None:
            yield number, None
        else:
            yield from zip(itertools.count(number), texts)


def many_lines(file: BinaryIO) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the lines of `lines`, many at once, with the number of the first one."""
    number = 0
    while piece := file.read(_PIECE):
        piece, is_cut = _to_line_end(piece, file)
        # Only \n ends a line here, so lines and bytes of \n are equally many.
        text = cesu8.mended(piece).decode("utf-8", "surrogateescape")
        texts = list(io.StringIO(text, newline="\n"))
        yield number + 1, texts
        number += len(texts)
        if is_cut:
            number += 1
            yield number, None


def _to_line_end(piece: bytes, file: BinaryIO) -> tuple[bytes, bool]:
    """Return *piece* with the rest of its last line; without it, and True, if that is too long."""
    if piece.endswith(b"\n"):
        return piece, False
    start = piece.rfind(b"\n") + 1
    piece += file.readline(max(0, LINE_LIMIT + 1 - (len(piece) - start)))
    if len(piece) - start <= LINE_LIMIT or piece.endswith(b"\n"):
        return piece, False
    while (raw := file.readline(_CHUNK)) and not raw.endswith(b"\n"):
        pass
    return piece[:start], True


TOO_LONG = f"the line is longer than {LINE_LIMIT} bytes"
