"""Bytes come out as they were packed, lines as they were written, in bounded memory."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.containers import cesu8, streams
from worker.archives.readers.containers.streams import (
    LINE_LIMIT,
    Counted,
    Guarded,
    as_utf8,
    detect_encoding,
    lines,
    opened,
    refusing_damage,
    seekable,
)
from worker.archives.readers.records import UnreadableArchiveError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "zstd": zstd.compress,
}
RUSSIAN = "Как сварить яйцо всмятку?\nПочему небо голубое?\n"  # noqa: RUF001
TEXT = "How do I boil an egg?\nWie koche ich ein Ei\u2026 \u4e2d\n"


class Pipe(io.RawIOBase):
    """Bytes as a pipe gives them: a few at a time, and only forward."""

    def __init__(self, data: bytes, *, step: int = 7) -> None:
        self._data, self._step, self.place = data, step, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        count = self._step if size < 0 else min(size, self._step)
        part = self._data[self.place : self.place + count]
        self.place += len(part)
        return part

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def buffered(data: bytes) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(io.BytesIO(data)))


def unpacked(data: bytes) -> bytes:
    stream, _ = opened(io.BytesIO(data))
    with stream:
        return stream.read()


@pytest.mark.parametrize("inner", ["none", *PACKERS])
@pytest.mark.parametrize("outer", ["none", *PACKERS])
def test_what_was_packed_once_or_twice_comes_out_as_it_was(outer: str, inner: str) -> None:
    data = TEXT.encode() * 50
    for name in (inner, outer):
        data = PACKERS[name](data) if name != "none" else data

    assert unpacked(data) == TEXT.encode() * 50


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_parts_that_were_packed_one_after_the_other_are_one_file(name: str) -> None:
    data = PACKERS[name](b"first\n") + PACKERS[name](b"second\n")

    assert unpacked(data) == b"first\nsecond\n"


@pytest.mark.parametrize("name", PACKERS)
def test_a_file_that_was_cut_off_is_damaged_and_no_shorter_file(name: str) -> None:
    data = PACKERS[name](bytes(range(256)) * 300)

    for kept in (len(data) // 2, len(data) - 1):
        with pytest.raises(UnreadableArchiveError, match="cannot be unpacked: it is damaged"):
            unpacked(data[:kept])


@pytest.mark.parametrize("name", PACKERS)
def test_an_empty_file_may_be_packed(name: str) -> None:
    assert unpacked(PACKERS[name](b"")) == b""


@given(st.binary(max_size=300), st.sampled_from(["none", *PACKERS]))
def test_any_bytes_behind_a_mark_are_read_or_refused(data: bytes, name: str) -> None:
    head = b"" if name == "none" else PACKERS[name](b"")[:6]
    try:
        found = unpacked(head + data)
    except UnreadableArchiveError:
        return

    assert isinstance(found, bytes)


def test_what_was_read_of_the_packed_file_is_counted() -> None:
    data = gzip.compress(TEXT.encode() * 10_000)
    stream, counted = opened(io.BytesIO(data))
    with stream:
        begun = counted.count
        stream.read()

    assert 0 < begun <= counted.count == len(data)


def test_a_file_that_grows_beyond_reason_is_refused_before_it_is_held() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"\0" * size

    counted = Counted(io.BytesIO(b"x" * 100))
    guarded = io.BufferedReader(Guarded(cast("BinaryIO", Endless()), counted), 1 << 20)

    with pytest.raises(UnreadableArchiveError, match="zip bomb"):
        list(iter(partial(guarded.read, 1 << 20), b""))  # else it would never end


def test_a_zstd_window_that_is_too_wide_is_named_with_what_to_do() -> None:
    wide = b"\x28\xb5\x2f\xfd\x00" + bytes([(28 - 10) << 3]) + b"x" * 20

    with pytest.raises(UnreadableArchiveError, match=r"--long=28.*256 MiB.*zstd -d --long=28"):
        unpacked(wide)


@given(
    st.lists(st.text("ab\r\u2028\x0b\x0c\x85\u4e2d", max_size=8), max_size=9),
    st.booleans(),
)
def test_lines_end_at_a_line_feed_alone(texts: list[str], has_last_end: bool) -> None:
    whole = "\n".join(texts) + ("\n" if has_last_end else "")

    found = list(lines(io.BytesIO(whole.encode())))

    wanted = [f"{text}\n" for text in whole.split("\n")]
    wanted[-1] = wanted[-1].removesuffix("\n")
    assert [text for _, text in found] == [text for text in wanted if text]
    assert [number for number, _ in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("before", [0, 1, 65_530, 65_536, 140_000])
def test_a_line_that_is_too_long_is_none_and_the_next_is_read(before: int) -> None:
    first = "a" * before + "\n" if before else ""
    data = f"{first}{'b' * (LINE_LIMIT + 5)}\nlast\n".encode()

    found = list(lines(io.BytesIO(data)))

    assert [text for _, text in found] == [*([first] if first else []), None, "last\n"]
    assert [number for number, _ in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize(("length", "is_read"), [(LINE_LIMIT - 1, True), (LINE_LIMIT + 2, False)])
@pytest.mark.parametrize("end", ["", "\n"])
def test_the_limit_of_a_line_is_the_same_with_and_without_its_end(
    length: int, end: str, *, is_read: bool
) -> None:
    ((_, text),) = lines(io.BytesIO(b"a" * length + end.encode()))

    assert (text is not None) is is_read


def test_bytes_that_are_no_text_stay_in_their_line() -> None:
    found = dict(lines(io.BytesIO(b"one\ntw\xff\nthree\n")))

    assert found == {1: "one\n", 2: "tw\udcff\n", 3: "three\n"}


@given(st.binary(max_size=2_000), st.integers(1, 50))
def test_a_pipe_becomes_a_file_that_can_be_read_from_its_end(data: bytes, step: int) -> None:
    pipe = cast("BinaryIO", Pipe(data, step=step))

    with seekable(pipe) as found:
        assert found.seek(0, io.SEEK_END) == len(data)
        found.seek(0)
        assert found.read() == data


def test_a_file_that_can_be_sought_in_stays_the_same() -> None:
    file = io.BytesIO(b"x")

    assert seekable(file) is file


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (TEXT, "utf-8"),
        (TEXT, "utf-16"),
        (TEXT, "utf-32"),
        (TEXT * 3, "utf-16-le"),
        (TEXT * 3, "utf-16-be"),
        (TEXT, "utf-8-sig"),
        ("\U0001f389 party \U0001f389\n", cesu8.NAME),
        ("Wie koche ich fünf Äpfel? Für Grüße wählen\n" * 3, "cp1252"),
        (RUSSIAN * 3, "cp1251"),
        (RUSSIAN * 3, "koi8-r"),
        ("plain ascii\n", "ascii"),
        ("", "ascii"),
    ],
)
def test_a_text_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    data = text.encode(encoding)

    found = detect_encoding(data[: 1 << 18])

    with as_utf8(buffered(data), found) as stream:
        assert stream.read().decode() == text


def test_one_bad_byte_in_good_utf8_does_not_make_it_another_encoding() -> None:
    assert detect_encoding("Wie koche ich fünf Äpfel in öl?".encode() + b" \xff ") == "utf-8"


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_sample_may_end_within_a_sign(cut: int) -> None:
    data = ("egg " * 9 + "\U0001f389").encode()

    assert detect_encoding(data[:-cut]) == "utf-8"


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_half_a_sign_at_the_end_of_utf16_costs_that_sign_alone(mark: bytes) -> None:
    coding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    data = mark + "eggs\n".encode(coding) + b"\x00"

    with as_utf8(buffered(data), "utf-16") as stream:
        assert stream.read().decode().rstrip("\ufffd") == "eggs\n"


def test_ends_of_lines_of_old_macs_are_seen() -> None:
    with as_utf8(buffered(b"id,title\r1,Why?\r"), "utf-8") as stream:
        assert stream.read() == b"id,title\n1,Why?\n"
    with as_utf8(buffered(b"id,title\r\n1,Why?\r\n"), "utf-8") as stream:
        assert stream.read() == b"id,title\r\n1,Why?\r\n"


def test_an_encoding_is_found_out_where_the_ascii_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SAMPLE", 1 << 10)
    german = "Wie koche ich fünf Äpfel? Für Grüße wählen\n" * 3
    data = b"plain ascii\n" * 500 + german.encode("cp1252")

    with as_utf8(buffered(data), "utf-8") as stream:
        text = stream.read().decode()

    assert text == "plain ascii\n" * 500 + german


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EOFError("Compressed file ended before the end-of-stream marker"), "ends too early"),
        (RuntimeError("File is encrypted, password required"), "it is encrypted"),
        (lzma.LZMAError("Memory usage limit was exceeded"), "more memory than it may"),
        (OSError("CRC check failed 0x1 != 0x2"), "its check sum is wrong"),
        (NotImplementedError("That compression method is not supported"), "unpack it first"),
        (ValueError("odd"), "it is damaged: odd"),
        (LookupError(), "it is damaged: LookupError"),
    ],
)
def test_what_a_library_says_of_damage_is_said_for_people(error: Exception, said: str) -> None:
    with (
        pytest.raises(UnreadableArchiveError, match=f"the file: .*{said}"),
        refusing_damage("the file"),
    ):
        raise error


def test_a_full_disk_and_a_bug_are_no_damage() -> None:
    full = OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), refusing_damage("the file"):
        raise full
    with pytest.raises(KeyboardInterrupt), refusing_damage("the file"):
        raise KeyboardInterrupt
