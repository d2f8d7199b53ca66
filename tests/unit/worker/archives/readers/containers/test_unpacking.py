"""Packed texts in a row, what is behind them, and packed texts that are cut off."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from functools import partial

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.containers.unpacking import unpacked

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": partial(lzma.compress, format=lzma.FORMAT_ALONE),
    "zstd": zstd.compress,
}


def read(data: bytes) -> tuple[bytes, list[int]]:
    """Return the unpacked content of *data*, and the lengths that are not unpacked."""
    left: list[int] = []
    file = unpacked(io.BufferedReader(io.BytesIO(data)), left.append)
    assert file is not None
    return b"".join(iter(partial(file.read, 1 << 16), b"")), left


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@given(texts=st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_several_packed_texts_are_read_as_one(
    pack: Callable[[bytes], bytes], texts: list[bytes]
) -> None:
    assert read(b"".join(map(pack, texts))) == (b"".join(texts), [])


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@given(text=st.binary(max_size=300), behind=st.binary(min_size=1, max_size=50))
def test_other_bytes_behind_it_are_counted_and_not_read(
    pack: Callable[[bytes], bytes], text: bytes, behind: bytes
) -> None:
    behind = b"#" + behind

    assert read(pack(text) + b"\0" * 8 + behind) == (text, [len(behind)])


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_padding_with_zeros_is_nothing(pack: Callable[[bytes], bytes]) -> None:
    assert read(pack(b"text") + b"\0" * 1_000_000) == (b"text", [])


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_a_text_that_was_cut_off_is_refused(name: str) -> None:
    packed = PACKERS[name](bytes(range(256)) * 40)

    with pytest.raises(EOFError, match="ends too early"):
        read(packed[:-20])


def test_a_text_that_is_not_packed_stays() -> None:
    assert unpacked(io.BufferedReader(io.BytesIO(b"id,title")), print) is None
