"""The work of one unit of each stage: models outside transactions, one write at the end.

A step may run twice or be killed: its writes and the end of its unit are committed together.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.archives import archives, results
from db.archives import blocks as archive_blocks
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, Stage
from db.archives.blocks import BlockRows
from db.archives.units import NewUnit, Unit
from db.engine import Sessions
from db.groups import groups
from db.imports import links
from db.pairs import pairs
from db.pairs.rows import Finding
from db.questions import questions
from db.rows import Provenance, QuestionText
from db.tenants import forums
from db.tenants.rows import ForumRow
from worker.archives.payload import (
    Bars,
    pack_near,
    pack_place,
    unpack_labels,
    unpack_near,
    unpack_place,
)
from worker.archives.searching.products import Search
from worker.archives.stages.plan import compared
from worker.live.pipeline import set_aside
from worker.live.unreadable import failing_alone, scored_where_readable
from worker.matching.archived import Reader, looks, whole_groups, with_owners
from worker.matching.archived import groups as groups_of
from worker.matching.findings import flagged, same_text
from worker.matching.models import Models
from worker.matching.near import Near, joined
from worker.matching.vectors import embed, seen_of
from worker.scoring.density import SAMPLE, Floats, Surroundings, of_pairs
from worker.text.normal import MODEL_TEXT_LENGTH

RERANK_PAIRS = 960
"""Pairs of a unit, of which about a third is read; with a GPU `_ON_GPU` times as many."""
LOOK = 4_000
"""After so many characters for a model, check for more urgent work; with a GPU more, as above.

A half of it makes the reading of an archive by two threads 10 % slower, twice as much 6 % faster.
"""
_ON_GPU = 256
HISTOGRAM_BINS = 20
_BLOCKS_HELD = 3

IsWanted = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of vectors, and the density around each."""

    rows: BlockRows
    density: Floats | None
    """The density around each row, (n,); None if it is not used."""


class Steps:
    """Does units of archives with one bi-encoder and one reranker."""

    def __init__(self, sessions: Sessions, models: Models, search: Search) -> None:
        self._sessions = sessions
        self._models = models
        self._search = search
        self._blocks: dict[tuple[int, int, int], _Block] = {}
        self._around: tuple[int, Surroundings | None] | None = None
        self._is_wanted: IsWanted = lambda: False
        self._do = {
            Stage.LINK: self._link,
            Stage.EMBED: self._embed,
            Stage.SEARCH: self._tile,
            Stage.RANK: self._rank,
            Stage.CUT: self._cut,
            Stage.RERANK: self._rerank,
            Stage.FINISH: self._mark,
        }

    def do(self, unit: Unit, *, is_wanted: IsWanted = lambda: False) -> None:
        """Do one unit; raises `LostUnitError`, with nothing written, if the lease was lost.

        If *is_wanted* returns True, because more urgent work waits, the rest of the unit can be
        claimed again. Some part of the unit is done in any case.
        """
        begun = time.monotonic()
        self._is_wanted = is_wanted
        with self._sessions.begin() as session:
            archive = archives.get(session, unit.archive_id)
            forum = forums.find_forums(session, {archive.forum_id})[archive.forum_id]
        self._do[unit.stage](unit, archive, forum, begun)

    def _link(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        labels = unpack_labels(unit.payload or b"[]")
        with self._sessions.begin() as session:
            groups.lock(session, forum.id)
            decided = links.save(session, forum.id, labels, actor=f"archive {archive.id}")
            archive_units.finish(
                session, unit, took_s=_since(begun), found=decided, payload=unit.payload
            )

    def _embed(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        model_id = self._models.bi_encoder.id
        with self._sessions.begin() as session:
            rows = archive_blocks.unembedded(
                session, archive.id, model_id, unit.low_id, unit.high_id
            )
        for part in looks([len(seen_of(row).whole) for row in rows], LOOK * self._scale):
            if part.start and self._is_wanted():  # the rest is claimed again
                with self._sessions.begin() as session:
                    archive_units.release(session, unit)
                return
            self._embed_part(rows[part])
        with self._sessions.begin() as session:
            same = archive_blocks.twins(session, archive.id, unit.low_id, unit.high_id)
            findings = [same_text(one, first) for one, first in same]
            pairs.save_findings(session, forum.id, findings, self._provenance(forum), read={})
            archive_units.finish(session, unit, took_s=_since(begun), found=len(findings))

    def _embed_part(self, rows: Sequence[QuestionText]) -> None:
        """Save the vectors of *rows*; set aside questions that the bi-encoder cannot read."""
        encoder, model_id = self._models.encoder, self._models.bi_encoder.id
        failing = failing_alone(partial(embed, self._sessions, encoder, model_id), rows)
        reasons = {
            row.id: f"the bi-encoder cannot read this question: {why}" for row, why in failing
        }
        set_aside(self._sessions, reasons, {row.id: row.text_version for row, _ in failing})

    def _tile(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        same = unit.place == unit.other
        ours = self._block(archive, forum, unit.low_id, unit.high_id)
        theirs = (
            ours if same else self._block(archive, forum, unit.other_low_id, unit.other_high_id)
        )
        screen = self._models.matcher(forum).screen(with_gate=True)
        first = int(np.searchsorted(ours.rows.ids, unpack_place(unit.payload)))
        near, end = self._search.tile(
            ours.rows.vectors,
            theirs.rows.vectors,
            floor=screen.floor,
            top_k=archive.top_k,
            same=same,
            gate=screen.gate,
            first=first,
            is_wanted=self._is_wanted,
        )
        # Two questions that were stored before the archive were compared before.
        fresh = ours.rows.ours[near.left] | theirs.rows.ours[near.right]
        found = Near(
            ours.rows.ids[near.left],
            theirs.rows.ids[near.right],
            near.cosine,
            density=_density(ours, theirs, near),
        ).take(fresh)
        with self._sessions.begin() as session:
            archive_units.finish(
                session,
                unit,
                took_s=_since(begun),
                found=len(found),
                rest=_rest_of(unit, ours.rows.ids[end:], len(theirs.rows.ids)),
                payload=pack_near(found),
            )

    def _block(self, archive: ArchiveRow, forum: ForumRow, low_id: int, high_id: int) -> _Block:
        key = (archive.id, low_id, high_id)
        if key not in self._blocks:
            with self._sessions.begin() as session:
                rows = archive_blocks.read_block(
                    session,
                    compared(archive, self._models.bi_encoder.id),
                    low_id=low_id,
                    high_id=high_id,
                    dimension=self._models.encoder.dimension,
                )
            around = self._surroundings(archive, forum)
            while len(self._blocks) >= _BLOCKS_HELD:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = _Block(
                rows, None if around is None else around.around(rows.vectors)
            )
        self._blocks[key] = self._blocks.pop(key)  # the block used last is dropped last
        return self._blocks[key]

    def _surroundings(self, archive: ArchiveRow, forum: ForumRow) -> Surroundings | None:
        """Return the surroundings, which measure density in the forum; None if it is not used."""
        if not self._models.matcher(forum).fusion.density:
            return None
        if self._around is None or self._around[0] != archive.id:
            with self._sessions.begin() as session:
                rows = archive_blocks.read_sample(
                    session,
                    compared(archive, self._models.bi_encoder.id),
                    count=SAMPLE,
                    dimension=self._models.encoder.dimension,
                )
            self._around = archive.id, Surroundings.of(rows.vectors)
        return self._around[1]

    def _rank(self, unit: Unit, archive: ArchiveRow, _forum: ForumRow, begun: float) -> None:
        with self._sessions.begin() as session:
            tiles = results.payloads(session, archive.id, Stage.SEARCH, unit.place)
            bars = Bars.of(
                (unpack_near(payload) for payload in tiles),
                unit.low_id,
                unit.high_id,
                top_k=archive.top_k,
            )
            archive_units.finish(
                session, unit, took_s=_since(begun), found=len(bars), payload=bars.pack()
            )

    def _cut(self, unit: Unit, archive: ArchiveRow, _forum: ForumRow, begun: float) -> None:
        """Plan the rerank of the pairs that the questions of a block have with earlier ones."""
        # A unit that a version before 0.5 planned has no range of ids, and only one tile.
        only = None if unit.high_id else unit.place
        with self._sessions.begin() as session:
            kept = with_owners(self._kept(session, archive, unit.other, only=only))
            lengths = archive_blocks.lengths(session, kept.left, longest=MODEL_TEXT_LENGTH)
            # Pairs of similar length need the least padding.
            kept = kept.take(np.lexsort((-kept.cosine, kept.left, lengths)))
            size = RERANK_PAIRS * self._scale
            archive_units.plan(session, archive.id, list(_rerank_units(kept, size)))
            results.drop_column(session, archive.id, Stage.SEARCH, unit.other, only=only)
            archive_units.finish(session, unit, took_s=_since(begun), found=len(kept))

    def _kept(self, session: Session, archive: ArchiveRow, block: int, *, only: int | None) -> Near:
        """Return the pairs of a block with earlier blocks that one of both questions keeps."""

        def bars(place: int) -> Bars:
            return Bars.unpack(results.payload(session, archive.id, Stage.RANK, place))

        ours = bars(block)
        parts = []
        for place, tile in results.column(session, archive.id, Stage.SEARCH, block, only=only):
            near = unpack_near(tile)
            is_kept = bars(place).over(near.left, near.cosine) | ours.over(near.right, near.cosine)
            parts.append(near.take(is_kept))
        return joined(parts)

    def _rerank(self, unit: Unit, _archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        near = unpack_near(unit.payload or b"")
        matcher = self._models.matcher(forum)
        with self._sessions.begin() as session:
            rows = questions.texts(session, {*near.left.tolist(), *near.right.tolist()})
        read = {row.id: row.text_version for row in rows.values()}
        texts = {row.id: seen_of(row) for row in rows.values()}
        reader = Reader(LOOK * self._scale, self._is_wanted)
        found, why = scored_where_readable(matcher, near, texts, reader)
        set_aside(self._sessions, why, read)
        sure = flagged(found, matcher.threshold)
        with self._sessions.begin() as session:
            pairs.save_findings(session, forum.id, sure, self._provenance(forum), read=read)
            archive_units.finish(
                session,
                unit,
                took_s=_since(begun),
                found=len(sure),
                rest=list(_rerank_units(reader.rest, max(len(reader.rest), 1))),
                histogram=_histogram(found),
            )

    def _mark(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        model_id = archive.bi_encoder_id or self._models.bi_encoder.id
        with self._sessions.begin() as session:
            ids = archive_blocks.unchecked(session, archive.id, model_id, unit.low_id, unit.high_id)
            checked = _without_set_aside(session, archive, ids)
            questions.mark_checked(session, checked, self._provenance(forum))
            archive_units.finish(session, unit, took_s=_since(begun), found=len(checked))

    @property
    def _scale(self) -> int:
        return _ON_GPU if self._search.is_on_gpu else 1

    def _provenance(self, forum: ForumRow) -> Provenance:
        return self._models.provenance(forum)


def _density(ours: _Block, theirs: _Block, near: Near) -> Floats | None:
    """Return the density of the pairs *near*, by places in two blocks, (n,); None if not used."""
    if ours.density is None or theirs.density is None:
        return None
    return of_pairs(ours.density[near.left], theirs.density[near.right])


def _rest_of(unit: Unit, left: NDArray[np.int64], others: int) -> list[NewUnit]:
    """Return the rest of a tile, if questions are *left* that were not compared with *others*."""
    if not len(left):
        return []
    size = len(left) * (len(left) - 1) // 2 if unit.place == unit.other else len(left) * others
    return [replace(unit, size=size, payload=pack_place(int(left[0])))]


def _rerank_units(near: Near, size: int) -> Iterator[NewUnit]:
    for which in whole_groups(groups_of(near.left), size):
        part = near.take(which)
        count = len(part) if part.logit is None else int(np.isnan(part.logit).sum())
        yield NewUnit(stage=Stage.RERANK, size=count, payload=pack_near(part))


def _histogram(found: Sequence[Finding]) -> list[int]:
    """Return how many pairs the CrossEncoder read, by their score."""
    scores = [
        one.score for one in found if not (one.logit_forward is None and one.logit_backward is None)
    ]
    counts, _ = np.histogram(scores, bins=HISTOGRAM_BINS, range=(0.0, 1.0))
    return [int(one) for one in counts]


def _without_set_aside(session: Session, archive: ArchiveRow, ids: Sequence[int]) -> list[int]:
    """Return the questions of *ids* without those of units that were set aside."""
    left = np.array(ids, dtype=np.int64)
    for tile in archive_units.set_aside(session, archive.id, Stage.SEARCH):
        left = left[(left < tile.low_id) | (left > tile.high_id)]
        left = left[(left < tile.other_low_id) | (left > tile.other_high_id)]
    for unit in archive_units.set_aside(session, archive.id, Stage.RERANK):
        near = unpack_near(unit.payload or b"")
        left = left[~np.isin(left, np.concatenate((near.left, near.right)))]
    return [int(one) for one in left]


def _since(begun: float) -> float:
    return time.monotonic() - begun
