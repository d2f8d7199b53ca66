"""Processes claimed questions: vectors, candidates, rerank, pairs.

Models run between short transactions, so no lock is held meanwhile. The vectors are committed
before the search: of two duplicates that arrive together, the one that commits last sees the other.
The pairs, their events and the end of the jobs are committed together.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from db.engine import Sessions, of_single_statements
from db.outbox.events import NewEvent, record
from db.pairs import pairs
from db.pairs.pairs import StaleScoresError
from db.pairs.rows import Finding
from db.questions import questions
from db.rows import SERVICE, CandidateText
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors import embeddings
from db.vectors.rows import Candidate
from db.work import jobs
from db.work.rows import Claimed
from worker.live.unreadable import Reasons, Scoring, UnreadableError, scored_where_readable
from worker.matching.findings import keep_best, pair_of, same_text, worth_reranking
from worker.matching.matcher import Matcher
from worker.matching.memory import MEMORY_BYTES, VectorMemory, Vectors
from worker.matching.models import Limits, Models
from worker.matching.near import Near
from worker.matching.rounds import scored_in_rounds
from worker.matching.search import Nearest, Searcher
from worker.matching.vectors import embed, seen_of
from worker.process.beside import beside
from worker.process.meter import METER
from worker.text.normal import FOREIGN_LIMIT, Seen

OnFinished = Callable[[Sequence[int]], object]
"""Called after the commit with the ids of the finished questions."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Found:
    """The pairs to score of one forum's claimed questions, and what scoring them needs."""

    forum: ForumRow
    matcher: Matcher
    twins: Sequence[Finding]
    near: Near
    questions: Mapping[int, Seen]
    versions: Mapping[int, int]
    undecided: AbstractSet[frozenset[int]]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of claimed questions without their vectors."""

    forums: Mapping[int, ForumRow]
    partners: Mapping[int, Sequence[int]]
    """The partners of each question in undecided pairs."""
    same_text: Mapping[int, Mapping[bytes, Sequence[int]]]
    """By forum and digest: the oldest visible questions with this text."""


class Pipeline:
    """Processes claimed questions with one bi-encoder and one reranker."""

    def __init__(
        self,
        sessions: Sessions,
        models: Models,
        limits: Limits,
        *,
        memory: VectorMemory | None = None,
        on_finished: OnFinished = lambda _ids: None,
    ) -> None:
        memory = memory or VectorMemory(MEMORY_BYTES)
        self._searcher = Searcher(
            memory, models.bi_encoder, limit=limits.candidates, sessions=sessions
        )
        self._tell = on_finished
        self._sessions = sessions
        self._single = of_single_statements(sessions)
        self._models = models
        self._limits = limits

    def process(self, batch: Sequence[Claimed], lease: UUID) -> None:
        """Process the questions of *batch*, claimed with *lease*, and finish their jobs.

        This may run twice or be killed at any moment: saved results are used again or overwritten.
        Raises `UnreadableError` if the CrossEncoder cannot read a question of the batch.
        """
        known = self._start_knowing(batch)
        with METER.timed("embed"):
            vectors = self._embed(batch)
        for forum_id, group in groupby(sorted(batch, key=_forum), key=_forum):
            check = partial(self._check, forum_id, list(group), lease, vectors)
            try:
                check(known())
            except StaleScoresError:  # a forum's settings change rarely: one repetition is enough
                log.info("questions.scored_anew", forum_id=forum_id)
                check(self._known(batch))

    def _start_knowing(self, batch: Sequence[Claimed]) -> Callable[[], _Known]:
        if self._single is self._sessions:  # on one connection, which takes one statement at a time
            known = self._known(batch)
            return lambda: known
        return beside(partial(self._known, batch))

    def _known(self, batch: Sequence[Claimed]) -> _Known:
        """Return what needs no vector.

        It may be read as soon as the questions are claimed: of two questions with one text the one
        that was stored last sees the other, and pairs of an older text are never stored later.
        """
        with self._single.begin() as session:
            held = forums.find_forums(session, {question.forum_id for question in batch})
            partners = questions.undecided_partners(session, [question.id for question in batch])
            same = {
                forum_id: questions.same_text(
                    session,
                    forum_id,
                    [question.text_digest for question in batch if question.forum_id == forum_id],
                    limit=self._limits.kept + 1,
                )
                for forum_id in held
            }
        return _Known(held, partners, same)

    def _embed(self, batch: Sequence[Claimed]) -> Vectors:
        model_id = self._models.bi_encoder.id
        missing = [one for one in batch if model_id not in one.embedded_by]
        return embed(self._sessions, self._models.encoder, model_id, missing)

    def _check(
        self,
        forum_id: int,
        batch: Sequence[Claimed],
        lease: UUID,
        vectors: Vectors,
        known: _Known,
    ) -> None:
        with METER.timed("search"), self._single.begin() as session:
            found = self._search(session, forum_id, batch, vectors, known)
        with METER.timed("rerank"):
            scores, unreadable = scored_where_readable(
                found.matcher, found.near, found.questions, self._nearest_first(found)
            )
        METER.add("pairs", "same text", len(found.twins))
        for question in batch:
            if question.id in unreadable:
                raise UnreadableError(unreadable[question.id])
        findings = keep_best(
            [*found.twins, *scores],
            found.matcher.threshold,
            kept=self._limits.kept,
            undecided=found.undecided,
        )
        with METER.timed("save"):
            done, changed = self._save(found, batch, lease, findings)
        set_aside(self._sessions, unreadable, found.versions)
        self._tell(done)
        log.info(
            "questions.checked",
            forum_id=forum_id,
            questions=len(done),
            reranked=len(found.near),
            pairs_changed=changed,
        )

    def _nearest_first(self, found: _Found) -> Scoring:
        return partial(
            scored_in_rounds,
            kept=self._limits.kept,
            twins=found.twins,
            undecided=found.undecided,
        )

    def _save(
        self,
        found: _Found,
        batch: Sequence[Claimed],
        lease: UUID,
        findings: Sequence[Finding],
    ) -> tuple[list[int], int]:
        """Save results of the jobs that are still ours; return their questions and a pair count."""
        forum_id, provenance = found.forum.id, self._models.provenance(found.forum)
        ids = [question.id for question in batch]
        if not findings:  # one statement does it, unless there are events to be stored
            with self._single.begin() as session:
                ours, is_wanted = questions.finish(
                    session, forum_id, lease, ids, provenance, alone=True
                )
            if not is_wanted:
                return sorted(ours), 0
        with self._sessions.begin() as session:
            ours, is_wanted = questions.finish(session, forum_id, lease, ids, provenance)
            mine = [finding for finding in findings if finding.question_id in ours]
            changed = pairs.save_findings(session, forum_id, mine, provenance, read=found.versions)
            if is_wanted and ours:
                _record_checked(session, forum_id, ours, mine)
        return sorted(ours), changed

    def _search(
        self,
        session: Session,
        forum_id: int,
        batch: Sequence[Claimed],
        vectors: Vectors,
        known: _Known,
    ) -> _Found:
        forum = known.forums[forum_id]
        matcher = self._models.matcher(forum)
        partners = {question.id: known.partners[question.id] for question in batch}
        nearest = self._candidates(session, matcher, forum, batch, partners, vectors=vectors)
        candidates = nearest.near
        twins = _twins(session, forum, batch, candidates, known.same_text[forum_id])
        near = self._searcher.surrounded(
            forum,
            worth_reranking(candidates, {pair_of(twin) for twin in twins}),
            matcher=matcher,
            vectors=vectors,
        )
        unread = set(near.right.tolist()) - nearest.texts.keys()
        texts = {**nearest.texts, **questions.texts(session, unread)}
        read: dict[int, CandidateText | Claimed] = {**texts, **{one.id: one for one in batch}}
        seen = {one: seen_of(row) for one, row in read.items()}
        versions = {one: row.text_version for one, row in read.items()}
        undecided = {frozenset((one, other)) for one in partners for other in partners[one]}
        return _Found(forum, matcher, twins, near, seen, versions, undecided)

    def _candidates(
        self,
        session: Session,
        matcher: Matcher,
        forum: ForumRow,
        batch: Sequence[Claimed],
        partners: Mapping[int, Sequence[int]],
        *,
        vectors: Vectors,
    ) -> Nearest:
        model = self._models.bi_encoder
        ids = [question.id for question in batch if question.foreign_share <= FOREIGN_LIMIT]
        nearest = self._searcher.nearest(session, forum, ids, matcher=matcher, vectors=vectors)
        for one, found in nearest.near.items():
            lost = set(partners[one]) - {candidate.id for candidate in found}
            if lost:  # flagged earlier, but no candidates now: score them again
                found.extend(embeddings.cosines(session, model.id, one, lost))
        return nearest


def set_aside(sessions: Sessions, unreadable: Reasons, versions: Mapping[int, int]) -> None:
    """Set aside stored questions that a model cannot read, unless they were edited meanwhile."""
    if not unreadable:
        return
    with sessions.begin() as session:
        for question_id in sorted(unreadable):
            jobs.set_aside(
                session,
                question_id,
                text_version=versions[question_id],
                error=unreadable[question_id],
            )
    # The errors are stored in the rows; they may quote the questions.
    log.warning("questions.unreadable", question_ids=sorted(unreadable))


def _record_checked(
    session: Session, forum_id: int, ids: AbstractSet[int], findings: Sequence[Finding]
) -> None:
    """Record that questions are checked."""
    counts = Counter(finding.question_id for finding in findings)
    new = [
        NewEvent(
            forum_id=forum_id,
            kind="question.checked",
            actor=SERVICE,
            question_id=one,
            data={"findings": counts[one]},
        )
        for one in sorted(ids)
    ]
    record(session, new)


def _forum(question: Claimed) -> int:
    return question.forum_id


def _twins(
    session: Session,
    forum: ForumRow,
    batch: Sequence[Claimed],
    near: Mapping[int, Sequence[Candidate]],
    same: Mapping[bytes, Sequence[int]],
) -> list[Finding]:
    cosines = {
        question.id: {c.id: c.cosine for c in near.get(question.id, ())} for question in batch
    }
    pairs = [
        (question.id, twin)
        for question in batch
        for twin in same[question.text_digest]
        if twin != question.id
    ]
    found = questions.in_scope(session, forum.scope, pairs)
    return [
        same_text(one, twin, cosine=cosines[one].get(twin))
        for one, twin in pairs
        if (one, twin) in found
    ]
