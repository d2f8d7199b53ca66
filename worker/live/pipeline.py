"""The way of claimed questions: vectors, candidates, rerank, pairs.

Short transactions with the models' work between them, so no lock is held while a model thinks.
The vectors are committed before the search: of two twins that race, the one that commits last
sees the other. The pairs, their events and the end of the jobs commit together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy.orm import Session

from db.engine import Sessions
from db.pairs import pairs
from db.pairs.pairs import StaleScoresError
from db.pairs.rows import Finding
from db.questions import questions
from db.questions.rows import CandidateText
from db.rows import PairKind, Provenance, QuestionText
from db.tenants import forums
from db.tenants.rows import CalibrationRow, ForumRow
from db.vectors import embeddings
from db.vectors.rows import Candidate, ModelRow, NewEmbedding
from db.work import jobs
from db.work.rows import Claimed
from worker.inference.cascade import rerank
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.scoring.fusion import Fusion, unmoved
from worker.scoring.gate import Gate
from worker.text import FOREIGN_LIMIT, TextFields, model_text

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The two models with the rows that stand for them in the database."""

    encoder: Encoder
    reranker: Reranker
    bi_encoder: ModelRow
    cross_encoder: ModelRow
    calibration: CalibrationRow | None = None
    """What a forum's decisions taught, where it was learnt from scores of these two."""

    @property
    def own_fusion(self) -> Fusion:
        """Return the fusion that is valid for this pair of models, whatever the forum."""
        return self.reranker.calibration.for_bi_encoder(self.encoder.digest)

    @property
    def fusion(self) -> Fusion:
        """Return the fusion that is in force."""
        learnt = self.calibration
        own = self.own_fusion
        return own if learnt is None else own.moved(learnt.slope, learnt.shift)

    def of(self, forum: ForumRow) -> "Models":
        """Return the models with the calibration of *forum*, where it is for them."""
        learnt = forum.calibration
        ids = {"reranker_id": self.cross_encoder.id, "bi_encoder_id": self.bi_encoder.id}
        is_ours = learnt is not None and learnt.is_for(**ids)
        return replace(self, calibration=learnt if is_ours else None)

    def gate(self, forum: ForumRow) -> Gate | None:
        """Return what leaves out pairs of *forum* unread, hardly any of which it would flag."""
        gate, threshold = self.reranker.gate, self.threshold(forum)
        learnt = self.of(forum).calibration
        if learnt is not None:  # as the models themselves would say it
            threshold = unmoved(threshold, slope=learnt.slope, shift=learnt.shift)
        is_valid = gate is not None and gate.is_for(self.encoder.digest, threshold)
        return gate if is_valid else None

    def provenance(self, forum: ForumRow) -> Provenance:
        """Return what findings in *forum* rest on."""
        learnt = self.of(forum).calibration
        return Provenance(
            bi_encoder_id=self.bi_encoder.id,
            reranker_id=self.cross_encoder.id,
            threshold=self.threshold(forum),
            observe_only=forum.observe_only,
            calibration_id=learnt.id if learnt is not None else None,
        )

    def threshold(self, forum: ForumRow) -> float:
        """Return the probability at which a pair is flagged in *forum*."""
        return self.reranker.calibration.threshold if forum.threshold is None else forum.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a question's search goes."""

    candidates: int = 100
    kept: int = 10


@dataclass(frozen=True, slots=True)
class Prospect:
    """A question and a candidate that are worth the CrossEncoder's time."""

    question_id: int
    candidate_id: int
    cosine: float


@dataclass(frozen=True, slots=True)
class _Found:
    forum: ForumRow
    twins: Sequence[Finding]
    prospects: Sequence[Prospect]
    texts: Mapping[int, str]
    undecided: AbstractSet[frozenset[int]]


def text_of(row: QuestionText | CandidateText) -> str:
    """Return what the models see of a question."""
    return model_text(row.title, row.body, fields=TextFields(row.text_fields))


class Pipeline:
    """Checks claimed questions with one pair of models."""

    def __init__(self, sessions: Sessions, models: Models, limits: Limits) -> None:
        self._sessions = sessions
        self._models = models
        self._limits = limits

    def process(self, batch: Sequence[Claimed], lease: UUID) -> None:
        """Check the questions of *batch*, which *lease* holds, and finish their jobs.

        Safe to run twice or to be killed anywhere: what is written is found or overwritten.
        """
        self._embed(batch)
        for forum_id, group in groupby(sorted(batch, key=_forum), key=_forum):
            self._check_anew(forum_id, list(group), lease)

    def _check_anew(self, forum_id: int, batch: Sequence[Claimed], lease: UUID) -> None:
        try:
            self._check(forum_id, batch, lease)
        except StaleScoresError:  # its people change it by the minute at most: once is enough
            log.info("questions.scored_anew", forum_id=forum_id)
            self._check(forum_id, batch, lease)

    def _embed(self, batch: Sequence[Claimed]) -> None:
        model_id = self._models.bi_encoder.id
        with self._sessions.begin() as session:
            known = embeddings.digests(session, model_id, [question.id for question in batch])
        missing = [one for one in batch if known.get(one.id) != one.text_digest]
        embed(self._sessions, self._models.encoder, model_id, missing)

    def _check(self, forum_id: int, batch: Sequence[Claimed], lease: UUID) -> None:
        with self._sessions.begin() as session:
            found = self._search(session, forum_id, batch)
        threshold = self._models.threshold(found.forum)
        models = self._models.of(found.forum)
        scored = score_prospects(models, found.prospects, found.texts, threshold)
        findings = keep_best(
            [*found.twins, *scored], threshold, kept=self._limits.kept, undecided=found.undecided
        )
        provenance = models.provenance(found.forum)
        with self._sessions.begin() as session:
            ids = [question.id for question in batch]
            questions.lock(session, ids)
            ours = jobs.finish(session, lease, ids)
            mine = [finding for finding in findings if finding.question_id in ours]
            changed = pairs.save_findings(session, forum_id, mine, provenance)
            questions.mark_checked(session, ours, provenance)
        log.info(
            "questions.checked",
            forum_id=forum_id,
            questions=len(ours),
            reranked=len(found.prospects),
            pairs_changed=changed,
        )

    def _search(self, session: Session, forum_id: int, batch: Sequence[Claimed]) -> _Found:
        forum = forums.find_forums(session, {forum_id})[forum_id]
        partners = questions.undecided_partners(session, [question.id for question in batch])
        near = self._near(session, forum_id, batch, partners)
        twins = _twins(session, forum_id, batch, near, limit=self._limits.kept)
        prospects = worth_reranking(near, {pair_of(twin) for twin in twins})
        texts = questions.texts(session, {prospect.candidate_id for prospect in prospects})
        own = {question.id: text_of(question) for question in batch}
        others = {row.id: text_of(row) for row in texts.values()}
        undecided = {frozenset((one, other)) for one in partners for other in partners[one]}
        return _Found(forum, twins, prospects, {**others, **own}, undecided)

    def _near(
        self,
        session: Session,
        forum_id: int,
        batch: Sequence[Claimed],
        partners: Mapping[int, Sequence[int]],
    ) -> dict[int, list[Candidate]]:
        model, limit = self._models.bi_encoder, self._limits.candidates
        floor = self._models.reranker.calibration.cosine_floor
        ids = [question.id for question in batch if question.foreign_share <= FOREIGN_LIMIT]
        near = embeddings.nearest(session, model, forum_id, ids, limit=limit)
        for one, found in near.items():
            found[:] = [candidate for candidate in found if candidate.cosine >= floor]
            lost = set(partners[one]) - {candidate.id for candidate in found}
            if lost:  # flagged before and far by now: scored once more, to be withdrawn
                found.extend(embeddings.cosines(session, model.id, one, lost))
        return near


def pair_of(finding: Finding | Prospect) -> frozenset[int]:
    """Return the two questions of a finding, in no order."""
    return frozenset((finding.question_id, finding.candidate_id))


def _forum(question: Claimed) -> int:
    return question.forum_id


def embed(
    sessions: Sessions, encoder: Encoder, model_id: int, rows: Sequence[QuestionText]
) -> None:
    """Write the vectors of *rows*; what was erased or edited meanwhile is left out."""
    if not rows:
        return
    vectors = encoder.encode([text_of(row) for row in rows])
    with sessions.begin() as session:
        alive = questions.lock_unchanged(session, {row.id: row.text_version for row in rows})
        new = [
            NewEmbedding(
                question_id=row.id,
                forum_id=row.forum_id,
                visible=row.visible,
                text_digest=row.text_digest,
                vector=vector,
            )
            for row, vector in zip(rows, vectors, strict=True)
            if row.id in alive
        ]
        embeddings.save(session, model_id, new)


def _twins(
    session: Session,
    forum_id: int,
    batch: Sequence[Claimed],
    near: Mapping[int, Sequence[Candidate]],
    *,
    limit: int,
) -> list[Finding]:
    same = questions.same_text(
        session, forum_id, [question.text_digest for question in batch], limit=limit + 1
    )
    return [
        Finding(
            question_id=question.id,
            candidate_id=twin,
            kind=PairKind.SAME_TEXT,
            score=1.0,
            cosine=next((c.cosine for c in near.get(question.id, ()) if c.id == twin), None),
        )
        for question in batch
        for twin in same[question.text_digest]
        if twin != question.id
    ]


def worth_reranking(
    near: Mapping[int, Iterable[Candidate]], known: AbstractSet[frozenset[int]]
) -> list[Prospect]:
    """Return each unordered pair of *near* once, without those *known* to be the same text."""
    seen = set(known)
    prospects = []
    for question_id, candidates in near.items():
        for candidate in candidates:
            pair = frozenset((question_id, candidate.id))
            if pair not in seen:
                seen.add(pair)
                prospects.append(Prospect(question_id, candidate.id, candidate.cosine))
    return prospects


def score_prospects(
    models: Models,
    prospects: Sequence[Prospect],
    texts: Mapping[int, str],
    threshold: float,
    *,
    upper_band: float | None = None,
) -> list[Finding]:
    """Return the scored prospects, in their order; those whose text is gone are left out.

    *models* are those `of` the forum, so that its calibration is in the scores; *upper_band* is
    what `rerank` takes it for.
    """
    alive = [p for p in prospects if p.question_id in texts and p.candidate_id in texts]
    if not alive:
        return []
    index = {key: position for position, key in enumerate(texts)}
    cosines = np.array([p.cosine for p in alive], dtype=np.float32)
    places = [(index[p.question_id], index[p.candidate_id]) for p in alive]
    scores = rerank(
        models.reranker,
        list(texts.values()),
        np.array(places, dtype=np.int32),
        cosines,
        fusion=models.fusion,
        threshold=threshold,
        upper_band=upper_band,
    )
    raw = models.own_fusion.probability(scores.mean, cosines)
    return [
        Finding(
            question_id=prospect.question_id,
            candidate_id=prospect.candidate_id,
            kind=PairKind.MODEL,
            score=float(scores.probability[row]),
            raw_score=float(raw[row]) if models.calibration is not None else None,
            cosine=prospect.cosine,
            logit_forward=float(scores.forward[row]),
            logit_backward=None if np.isnan(scores.backward[row]) else float(scores.backward[row]),
        )
        for row, prospect in enumerate(alive)
    ]


def keep_best(
    findings: Sequence[Finding],
    threshold: float,
    *,
    kept: int,
    undecided: AbstractSet[frozenset[int]] = frozenset(),
) -> list[Finding]:
    """Return each question's *kept* best findings at or above *threshold*.

    Of those below only the ones whose pair is *undecided* remain: they withdraw what an earlier
    text, model or threshold had flagged.
    """
    best: list[Finding] = []
    count: Counter[int] = Counter()
    for finding in sorted(findings, key=lambda f: (-f.score, f.candidate_id)):
        if finding.score < threshold:
            best += [finding] if pair_of(finding) in undecided else []
        elif count[finding.question_id] < kept:
            count[finding.question_id] += 1
            best.append(finding)
    return best
