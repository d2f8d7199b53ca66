"""What one unit of each stage does: models outside of transactions, one write at the end.

Every step may run twice or die anywhere: its writes and the end of its unit commit together.
"""

import time
from collections.abc import Iterator

import numpy as np

from db import archive_blocks, archive_units, archives, forums, groups, pairs, questions
from db.archive_blocks import BlockRows
from db.archive_units import NewUnit, Unit
from db.archives import ArchiveRow, Stage
from db.engine import Sessions
from db.rows import Finding, ForumRow, PairKind, Provenance
from worker.archive_payload import Bars, NearPairs, unpack_links
from worker.blocks import BlockSearch
from worker.pipeline import Models, Prospect, embed, score_prospects, text_of
from worker.text import FOREIGN_LIMIT

RERANK_PAIRS = 96
"""Pairs of a unit; with a GPU, `_ON_GPU` times as many."""
_ON_GPU = 64
HISTOGRAM_BINS = 20
_BLOCKS_HELD = 3


class Steps:
    """Does units of archives with one pair of models."""

    def __init__(self, sessions: Sessions, models: Models, search: BlockSearch) -> None:
        self._sessions = sessions
        self._models = models
        self._search = search
        self._blocks: dict[tuple[int, int, int], BlockRows] = {}
        self._do = {
            Stage.LINK: self._link,
            Stage.EMBED: self._embed,
            Stage.SEARCH: self._tile,
            Stage.RANK: self._rank,
            Stage.CUT: self._cut,
            Stage.RERANK: self._rerank,
            Stage.FINISH: self._mark,
        }

    def do(self, unit: Unit) -> None:
        """Do one unit; raises `LostUnitError`, with nothing written, when it is ours no more."""
        begun = time.monotonic()
        with self._sessions.begin() as session:
            archive = archives.get(session, unit.archive_id)
            forum = forums.find_forums(session, {archive.forum_id})[archive.forum_id]
        self._do[unit.stage](unit, archive, forum, begun)

    def _link(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        links = unpack_links(unit.payload or b"[]")
        with self._sessions.begin() as session:
            groups.lock(session, forum.id)
            touched = archives.save_links(session, forum.id, links)
            if touched:
                groups.rebuild(session, forum.id, touched, actor=f"archive {archive.id}")
            archive_units.finish(
                session, unit, took_s=_since(begun), found=len(touched) // 2, payload=unit.payload
            )

    def _embed(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        model_id = self._models.bi_encoder.id
        with self._sessions.begin() as session:
            rows = archive_blocks.unembedded(
                session, archive.id, model_id, unit.low_id, unit.high_id
            )
        embed(self._sessions, self._models.encoder, model_id, rows)
        with self._sessions.begin() as session:
            same = archive_blocks.twins(session, archive.id, unit.low_id, unit.high_id)
            findings = [
                Finding(question_id=one, candidate_id=first, kind=PairKind.SAME_TEXT, score=1.0)
                for one, first in same
            ]
            pairs.save_findings(session, forum.id, findings, self._provenance(forum))
            archive_units.finish(session, unit, took_s=_since(begun), found=len(findings))

    def _tile(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        same = unit.place == unit.other
        ours = self._block(archive, forum, unit.low_id, unit.high_id)
        theirs = (
            ours if same else self._block(archive, forum, unit.other_low_id, unit.other_high_id)
        )
        near = self._search.tile(
            ours.vectors,
            theirs.vectors,
            floor=self._models.reranker.calibration.cosine_floor,
            top_k=archive.top_k,
            same=same,
        )
        # Two questions that were both here before have met already.
        fresh = ours.ours[near.left] | theirs.ours[near.right]
        found = NearPairs(ours.ids[near.left], theirs.ids[near.right], near.cosine).take(fresh)
        with self._sessions.begin() as session:
            archive_units.finish(
                session, unit, took_s=_since(begun), found=len(found), payload=found.pack()
            )

    def _block(self, archive: ArchiveRow, forum: ForumRow, low_id: int, high_id: int) -> BlockRows:
        key = (archive.id, low_id, high_id)
        if key not in self._blocks:
            with self._sessions.begin() as session:
                rows = archive_blocks.read_block(
                    session,
                    archive.id,
                    forum.id,
                    self._models.bi_encoder.id,
                    low_id=low_id,
                    high_id=high_id,
                    dimension=self._models.encoder.dimension,
                    foreign=FOREIGN_LIMIT,
                )
            while len(self._blocks) >= _BLOCKS_HELD:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[key] = rows
        self._blocks[key] = self._blocks.pop(key)  # the last used is the last to go
        return self._blocks[key]

    def _rank(self, unit: Unit, archive: ArchiveRow, _forum: ForumRow, begun: float) -> None:
        with self._sessions.begin() as session:
            tiles = archive_units.payloads(session, archive.id, Stage.SEARCH, unit.place)
            bars = Bars.of(
                (NearPairs.unpack(payload) for payload in tiles),
                unit.low_id,
                unit.high_id,
                top_k=archive.top_k,
            )
            archive_units.finish(
                session, unit, took_s=_since(begun), found=len(bars), payload=bars.pack()
            )

    def _cut(self, unit: Unit, archive: ArchiveRow, _forum: ForumRow, begun: float) -> None:
        with self._sessions.begin() as session:
            tile = archive_units.payload(session, archive.id, Stage.SEARCH, unit.place, unit.other)
            near = NearPairs.unpack(tile)
            left, right = (
                Bars.unpack(archive_units.payload(session, archive.id, Stage.RANK, one, one))
                for one in (unit.place, unit.other)
            )
            kept = near.take(
                left.over(near.left, near.cosine) | right.over(near.right, near.cosine)
            )
            size = RERANK_PAIRS * (_ON_GPU if self._search.is_on_gpu else 1)
            archive_units.plan(session, archive.id, list(_rerank_units(kept, size)))
            archive_units.drop_payload(session, archive.id, Stage.SEARCH, unit.place, unit.other)
            archive_units.finish(session, unit, took_s=_since(begun), found=len(kept))

    def _rerank(self, unit: Unit, _archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        near = NearPairs.unpack(unit.payload or b"")
        with self._sessions.begin() as session:
            rows = questions.texts(session, {*near.left.tolist(), *near.right.tolist()})
        prospects = [
            Prospect(*pair)
            for pair in zip(
                near.left.tolist(), near.right.tolist(), near.cosine.tolist(), strict=True
            )
        ]
        threshold = self._models.threshold(forum)
        texts = {row.id: text_of(row) for row in rows.values()}
        scored = score_prospects(self._models.of(forum), prospects, texts, threshold)
        sure = [finding for finding in scored if finding.score >= threshold]
        counts, _ = np.histogram(
            [finding.score for finding in scored], bins=HISTOGRAM_BINS, range=(0.0, 1.0)
        )
        with self._sessions.begin() as session:
            pairs.save_findings(session, forum.id, sure, self._provenance(forum))
            archive_units.finish(
                session,
                unit,
                took_s=_since(begun),
                found=len(sure),
                histogram=counts.tolist(),
            )

    def _mark(self, unit: Unit, archive: ArchiveRow, forum: ForumRow, begun: float) -> None:
        with self._sessions.begin() as session:
            ids = archive_blocks.unchecked(session, archive.id, unit.low_id, unit.high_id)
            questions.mark_checked(session, ids, self._provenance(forum))
            archive_units.finish(session, unit, took_s=_since(begun), found=len(ids))

    def _provenance(self, forum: ForumRow) -> Provenance:
        return self._models.provenance(forum)


def _rerank_units(pairs_: NearPairs, size: int) -> Iterator[NewUnit]:
    for start in range(0, len(pairs_), size):
        part = pairs_.take(slice(start, start + size))
        yield NewUnit(stage=Stage.RERANK, size=len(part), payload=part.pack())


def _since(begun: float) -> float:
    return time.monotonic() - begun
