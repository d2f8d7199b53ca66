"""Answers "was this asked before?" for a text, and stores nothing."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.engine import Sessions, of_single_statements
from db.pairs.rows import Finding
from db.questions import questions
from db.rows import CandidateText
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors.rows import Candidate
from worker.live.pipeline import set_aside
from worker.live.unreadable import UnreadableError, scored_where_readable
from worker.matching.findings import (
    keep_best,
    same_text,
    worth_reranking,
)
from worker.matching.index import VectorIndex
from worker.matching.matcher import Matcher
from worker.matching.memory import MEMORY_BYTES, VectorMemory
from worker.matching.models import Limits, Models
from worker.matching.near import Near
from worker.matching.rounds import scored_in_rounds
from worker.matching.search import Nearest, Searcher
from worker.matching.vectors import seen_of
from worker.process.beside import beside
from worker.queue import CheckAnswer, CheckedDuplicate, CheckRequest
from worker.text.cuts import cuts_of
from worker.text.language import warnings_of
from worker.text.normal import (
    FOREIGN_LIMIT,
    Seen,
    TextFields,
    foreign_share,
    full_text,
    seen,
    text_digest,
)

_ASKED = 0


class Checker:
    """Answers checks with one bi-encoder and one reranker."""

    def __init__(
        self,
        sessions: Sessions,
        models: Models,
        limits: Limits,
        *,
        memory: VectorMemory | None = None,
    ) -> None:
        memory = memory or VectorMemory(MEMORY_BYTES)
        self._searcher = Searcher(
            memory, models.bi_encoder, limit=limits.candidates, sessions=sessions
        )
        self._sessions = sessions
        self._single = of_single_statements(sessions)
        self._models = models
        self._limits = limits

    def answer(self, request: CheckRequest) -> CheckAnswer:
        """Return the forum's visible duplicates of a text, the highest score first.

        Raises `UnreadableError` if the CrossEncoder cannot read the text.
        """
        with self._single.begin() as session:
            forum = forums.find_forums(session, {request.forum_id})[request.forum_id]
        matcher = self._models.matcher(forum)
        fields = TextFields(forum.text_fields)
        cuts = cuts_of(forum.prefixes, forum.boilerplate)
        title, body = cuts.title(request.title), cuts.body(request.body)
        full = full_text(title, body, fields=fields)
        asked = seen(title, body, fields=fields)
        share = foreign_share(full)
        is_foreign = share > FOREIGN_LIMIT
        known = beside(partial(self._known, forum, text_digest(full)))
        vector = None if is_foreign else matcher.encoder.encode([asked.whole])[0]
        index, twins = known()
        with self._single.begin() as session:
            nearest = self._nearest(session, matcher, forum, vector, index)
            near = nearest.near[_ASKED]
            wanted = {*twins, *(candidate.id for candidate in near)} - nearest.texts.keys()
            texts = {**nearest.texts, **questions.texts(session, wanted)}
        known_vectors = {} if vector is None else {_ASKED: vector}
        around = partial(self._searcher.surrounded, forum, matcher=matcher, vectors=known_vectors)
        findings = self._score(matcher, asked, near, twins, texts, around=around)
        answered = self._answered({one.candidate_id for one in findings}, nearest.answered)
        return CheckAnswer(
            duplicates=[
                _duplicate(finding, texts[finding.candidate_id], answered.get(finding.candidate_id))
                for finding in findings
            ],
            threshold=matcher.threshold,
            bi_encoder=matcher.encoder.name,
            reranker=matcher.reranker.name,
            warnings=warnings_of(request.title, foreign_share=share),
        )

    def _answered(
        self, ids: AbstractSet[int], known: Mapping[int, tuple[int | None, bool | None]]
    ) -> Mapping[int, tuple[int | None, bool | None]]:
        unknown = ids - known.keys()
        if not unknown:
            return known
        with self._single.begin() as session:
            return {**known, **questions.answered(session, unknown)}

    def _known(self, forum: ForumRow, digest: bytes) -> tuple[VectorIndex | None, list[int]]:
        """Return what needs no vector: the forum in memory, and the questions with this text."""
        with self._single.begin() as session:
            index = self._searcher.index(session, forum)
            same = questions.same_text(session, forum.id, [digest], limit=self._limits.kept)
            pairs = [(_ASKED, twin) for twin in same[digest]]
            return index, [
                twin for _, twin in sorted(questions.in_scope(session, forum.scope, pairs))
            ]

    def _nearest(
        self,
        session: Session,
        matcher: Matcher,
        forum: ForumRow,
        vector: NDArray[np.float32] | None,
        index: VectorIndex | None,
    ) -> Nearest:
        if vector is None:
            return Nearest({_ASKED: []})
        return self._searcher.nearest_to_vector(
            session, forum, vector, index=index, matcher=matcher
        )

    def _score(
        self,
        matcher: Matcher,
        asked: Seen,
        near: list[Candidate],
        twins: list[int],
        texts: dict[int, CandidateText],
        *,
        around: Callable[[Near], Near],
    ) -> list[Finding]:
        cosines = {candidate.id: candidate.cosine for candidate in near}
        same = [
            same_text(_ASKED, twin, cosine=cosines.get(twin)) for twin in twins if twin in texts
        ]
        known_twins = {frozenset((_ASKED, twin)) for twin in twins}
        others = around(worth_reranking({_ASKED: near}, known_twins))
        known = {_ASKED: asked, **{row.id: seen_of(row) for row in texts.values()}}
        in_rounds = partial(scored_in_rounds, kept=self._limits.kept, twins=same)
        read, unreadable = scored_where_readable(matcher, others, known, in_rounds)
        if _ASKED in unreadable:
            raise UnreadableError(unreadable[_ASKED])
        set_aside(self._sessions, unreadable, {row.id: row.text_version for row in texts.values()})
        findings = [*same, *read]
        return keep_best(findings, matcher.threshold, kept=self._limits.kept)


def _duplicate(
    finding: Finding, row: CandidateText, known: tuple[int | None, bool | None] | None
) -> CheckedDuplicate:
    answers, accepted = known or (None, None)
    return CheckedDuplicate(
        id=row.external_id,
        title=row.title,
        url=row.url,
        score=finding.score,
        cosine=finding.cosine,
        kind=finding.kind,
        answers=answers,
        accepted=accepted,
    )
