"""Surveys a forum without labels: a sample of questions, their near pairs, and known duplicates.

It uses the service's own search and models. Nothing is written, and no transaction is open while a
model runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from db.engine import Sessions
from db.groups import groups
from db.questions import questions
from db.tenants.rows import ForumRow
from db.vectors import changes, embeddings, sampling
from db.vectors.rows import Candidate
from worker.matching.findings import pair_of, scored, worth_reranking
from worker.matching.matcher import Matcher, OnDone, unheard
from worker.matching.models import Models
from worker.matching.near import Near
from worker.matching.vectors import seen_of
from worker.scoring import density
from worker.scoring.expectation import NEAREST, THRESHOLDS, Doubles, Survey

SAMPLE = 400
"""Number of questions in the sample."""
_CHUNK = 50
_KNOWN = 400
"""At most so many pairs that people call the same are scored."""
_CANDIDATES = 20

_Pair = frozenset[int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The near pairs of some questions, each pair once, and the density around each question."""

    scores: Mapping[_Pair, float]
    densities: Sequence[float]


class Surveyor:
    """Surveys a sample of one forum."""

    def __init__(self, sessions: Sessions, models: Models, forum: ForumRow) -> None:
        self._sessions = sessions
        self._model = models.bi_encoder
        self._forum = forum
        # The lowest threshold to choose from: at or above it scores are those of the service.
        self._matcher: Matcher = replace(models.matcher(forum), threshold=THRESHOLDS[0])
        self._around: density.Surroundings | None = None

    def survey(self, *, sample: int = SAMPLE, on_done: OnDone = unheard) -> Survey:
        """Return the survey of *sample* questions; *on_done* gets how many were just surveyed."""
        with self._sessions.begin() as session:
            total = sampling.count(session, self._model.id, self._forum.id)
            chosen = sampling.sample(session, self._model.id, self._forum.id, limit=sample)
            self._around = self._surroundings(session)
        scores: dict[_Pair, float] = {}
        densities: list[float] = []
        for start in range(0, len(chosen), _CHUNK):
            part = chosen[start : start + _CHUNK]
            found = self._near(part)
            scores |= found.scores
            densities += found.densities
            on_done(len(part))
        known = self._known(chosen)
        sampled = set(chosen)
        return Survey(
            questions=total,
            sampled=len(chosen),
            probability=_doubles(scores.values()),
            weight=_doubles(len(pair & sampled) / 2 for pair in scores),
            is_known=np.array([pair in known for pair in scores], dtype=np.bool_),
            known=_doubles(self._scores_of(known, scores)),
            density=float(np.mean(densities)) if densities else 0.0,
        )

    def _near(self, ids: Sequence[int]) -> _Seen:
        with self._sessions.begin() as session:
            found = embeddings.nearest(
                session,
                self._model,
                self._forum.id,
                ids,
                limit=_CANDIDATES,
                scope=self._forum.scope,
            )
        floor = self._matcher.floor
        near = worth_reranking(
            {
                one: [other for other in others if other.cosine >= floor]
                for one, others in found.items()
            },
            set(),
        )
        return _Seen(self._scored(near), [_density(others) for others in found.values()])

    def _scored(self, near: Near) -> Mapping[_Pair, float]:
        ids = {*near.left.tolist(), *near.right.tolist()}
        with self._sessions.begin() as session:
            near = near.surrounded(partial(self._densities, session))
            texts = {one: seen_of(row) for one, row in questions.texts(session, ids).items()}
        found = scored(self._matcher, near, texts)
        # A pair below the floor of a threshold is not flagged there, whatever its score is.
        reached = self._matcher.reach(np.array([one.cosine for one in found], np.float32))
        most = zip(found, reached.tolist(), strict=True)
        return {pair_of(one): min(one.score, reach) for one, reach in most}

    def _densities(self, session: Session, ids: NDArray[np.int64]) -> density.Floats | None:
        """Return the density around questions, (n,), as for live ones; None if it is not used."""
        if self._around is None or not len(ids):
            return None
        stored, vectors = changes.vectors(session, self._model, self._forum.id, ids.tolist())
        found = np.full(len(ids), np.nan, np.float32)
        found[np.searchsorted(ids, stored)] = self._around.around(vectors)
        return found

    def _surroundings(self, session: Session) -> density.Surroundings | None:
        if not (self._matcher.fusion.density and self._forum.scope.is_whole):
            return None
        drawn = sampling.sample(session, self._model.id, self._forum.id, limit=density.SAMPLE)
        _, vectors = changes.vectors(session, self._model, self._forum.id, drawn)
        return density.Surroundings.of(vectors)

    def _known(self, chosen: Sequence[int]) -> set[_Pair]:
        """Return the pairs that people call the same and that have a chosen question."""
        with self._sessions.begin() as session:
            grouped = groups.groups_of(session, chosen)
            together = {one: groups.together_with(session, one) for one in grouped}
        return {frozenset((one, other)) for one, others in together.items() for other in others}

    def _scores_of(self, known: Iterable[_Pair], scores: Mapping[_Pair, float]) -> list[float]:
        """Return the scores of at most `_KNOWN` pairs that people call the same."""
        some = sorted(known, key=sorted)[:_KNOWN]
        far = [sorted(pair) for pair in some if pair not in scores]
        with self._sessions.begin() as session:
            low, high = ([pair[side] for pair in far] for side in (0, 1))
            cosines = sampling.cosines(session, self._model.id, low, high)
        floor = self._matcher.floor
        near = [
            (pair[0], pair[1], cosine)
            for pair, cosine in zip(far, cosines, strict=True)
            if cosine is not None and cosine >= floor
        ]
        asked = self._scored(_near_of(near)) if near else {}
        return [scores.get(pair, asked.get(pair, 0.0)) for pair in some]


def _near_of(rows: Sequence[tuple[int, int, float]]) -> Near:
    left, right, cosine = zip(*rows, strict=True)
    return Near(np.array(left), np.array(right), np.array(cosine))


def _density(found: Sequence[Candidate]) -> float:
    nearest = [one.cosine for one in found[:NEAREST]]
    return sum(nearest) / len(nearest) if nearest else 0.0


def _doubles(values: Iterable[float]) -> Doubles:
    return np.fromiter(values, dtype=np.float64)
