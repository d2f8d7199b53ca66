"""Data that units of work pass on to later units, as bytes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from db.imports.links import Label
from worker.matching.near import Near

_FIRST_ROW = np.dtype([("left", "<i8"), ("right", "<i8"), ("cosine", "<f4")])
_ROW = np.dtype([("left", "<i8"), ("right", "<i8"), ("cosine", "<f4"), ("density", "<f4")])
_READ_ROW = np.dtype([*_ROW.descr, ("logit", "<f4")])
_HEAD = (-2).to_bytes(8, "little", signed=True)
"""The first bytes. The data of versions before 0.5 begin with an id instead, never below 0."""
_READ_HEAD = (-3).to_bytes(8, "little", signed=True)
"""The first bytes if logits are known."""
_FOLD_AT = 4_000_000
_BAR = np.dtype([("id", "<i8"), ("bar", "<f4")])


def pack_labels(labels: Sequence[Label]) -> bytes:
    """Return labels on pairs as bytes."""
    return json.dumps(
        [(one.first_id, one.second_id, one.is_duplicate, one.canonical_id) for one in labels]
    ).encode()


def unpack_labels(payload: bytes) -> list[Label]:
    """Return the labels that `pack_labels` packed, or versions before 0.5: only pairs of ids."""
    return [
        Label(
            first_id=first,
            second_id=second,
            is_duplicate=rest[0] if rest else True,
            canonical_id=rest[1] if rest else None,
        )
        for first, second, *rest in json.loads(payload)
    ]


def pack_place(question_id: int) -> bytes:
    """Return the question at which the rest of a tile begins, as bytes."""
    return question_id.to_bytes(8, "little")


def unpack_place(payload: bytes | None) -> int:
    """Return the question that `pack_place` packed, or 0, where a whole tile begins."""
    return int.from_bytes(payload or b"", "little")


def pack_near(near: Near) -> bytes:
    """Return candidate pairs by question id as bytes: 24 a pair, 28 if logits are known."""
    is_read = near.logit is not None
    rows = np.empty(len(near), dtype=_READ_ROW if is_read else _ROW)
    rows["left"], rows["right"], rows["cosine"] = near.left, near.right, near.cosine
    rows["density"] = np.nan if near.density is None else near.density
    if is_read:
        rows["logit"] = near.logit
    return (_READ_HEAD if is_read else _HEAD) + rows.tobytes()


def unpack_near(payload: bytes) -> Near:
    """Return the pairs that `pack_near` packed, or versions before 0.5; none from no bytes."""
    kind = {_HEAD: _ROW, _READ_HEAD: _READ_ROW}.get(payload[: len(_HEAD)], _FIRST_ROW)
    rows = np.frombuffer(payload, kind, offset=0 if kind is _FIRST_ROW else len(_HEAD))
    density = None if kind is _FIRST_ROW else rows["density"].astype(np.float32)
    return Near(
        rows["left"].astype(np.int64),
        rows["right"].astype(np.int64),
        rows["cosine"].astype(np.float32),
        density=None if density is None or np.isnan(density).any() else density,
        logit=rows["logit"].astype(np.float32) if kind is _READ_ROW else None,
    )


@dataclass(frozen=True, slots=True)
class Bars:
    """The lowest cosine that a crowded question keeps, (n,); *ids*, (n,), ascend."""

    ids: NDArray[np.int64]
    bars: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, tiles: Iterable[Near], low_id: int, high_id: int, *, top_k: int) -> Self:
        """Return the bars of the questions of one block, from all *tiles* with this block."""
        ids, cosines = _NO_IDS, _NO_COSINES
        for tile in tiles:
            ends = np.concatenate((tile.left, tile.right))
            inside = (ends >= low_id) & (ends <= high_id)
            ids = np.concatenate((ids, ends[inside]))
            cosines = np.concatenate((cosines, np.tile(tile.cosine, 2)[inside]))
            if len(ids) > _FOLD_AT:
                ids, cosines, rank = _ranked(ids, cosines)
                ids, cosines = ids[rank <= top_k], cosines[rank <= top_k]
        ids, cosines, rank = _ranked(ids, cosines)
        crowded = ids[rank == top_k]
        last = rank == top_k - 1
        return cls(crowded, cosines[last][np.isin(ids[last], crowded)])

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """Return the bars that `pack` packed; no bytes give no bars."""
        rows = np.frombuffer(payload, dtype=_BAR)
        return cls(rows["id"].astype(np.int64), rows["bar"].astype(np.float32))

    def pack(self) -> bytes:
        """Return the bars as bytes."""
        rows = np.empty(len(self), dtype=_BAR)
        rows["id"], rows["bar"] = self.ids, self.bars
        return rows.tobytes()

    def over(self, ids: NDArray[np.int64], cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which pairs, (n,), the questions *ids*, (n,), keep among their nearest."""
        if not len(self):
            return np.ones(len(ids), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self) - 1)
        is_crowded = self.ids[places] == ids
        return np.asarray(~is_crowded | (cosines >= self.bars[places]))


def _ranked(
    ids: NDArray[np.int64], cosines: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return both sorted by id, nearest first, and each rank within its id, from 0."""
    order = np.lexsort((-cosines, ids))
    ids, cosines = ids[order], cosines[order]
    firsts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else _NO_IDS
    counts = np.diff(np.r_[firsts, len(ids)])
    return ids, cosines, np.arange(len(ids)) - np.repeat(firsts, counts)


_NO_IDS = np.zeros(0, dtype=np.int64)
_NO_COSINES = np.zeros(0, dtype=np.float32)
