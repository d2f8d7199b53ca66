"""Ids of questions in few bytes: the differences of sorted ids, compressed."""

import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]


def in_order(ids: Iterable[int] | Ids) -> Ids:
    """Return *ids* in order, each once."""
    given = ids if isinstance(ids, np.ndarray) else np.fromiter(ids, np.int64)
    # They are nearly in order, which `numpy.unique` does not use.
    ordered = np.sort(given, kind="stable")
    is_first: NDArray[np.bool_] = np.diff(ordered, prepend=ordered[:1] - 1) != 0
    return ordered[is_first]


def packed(ids: Ids) -> bytes:
    """Return the bytes of sorted *ids*; those of one batch lie close together."""
    return zlib.compress(np.diff(ids, prepend=0).astype("<i8").tobytes(), 1)


def unpacked(held: bytes) -> Ids:
    """Return the ids of `packed` bytes."""
    return np.cumsum(np.frombuffer(zlib.decompress(held), "<i8"), dtype=np.int64)


def of_eight_bytes(held: bytes) -> Ids:
    """Return ids that Postgres sent with `int8send`: a million numbers as rows take a second."""
    return np.frombuffer(bytes(held), ">i8").astype(np.int64)
