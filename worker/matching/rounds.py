"""Reads each question's nearest candidates first, and stops when more reading would change little.

The denser a forum, the more of its questions are near a new one, and most of these ask something
else. The CrossEncoder reads two candidates of each question at a time. Each logit changes the
chance of the other candidates to be flagged, and those with a very small chance are not read. The
reading ends when enough are flagged (as many as are kept), or when no candidate with a chance is
left.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from db.pairs.rows import Finding
from worker.inference.cascade import Scores
from worker.matching.findings import by_place, findings
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.chance import LEAST
from worker.scoring.traits import Traits
from worker.text.normal import Seen

ROUND = 2
"""Candidates of a question that are read at a time."""
PATIENCE = 6
"""After so many candidates in a row that are not flagged, the farther ones are not read. This is
used for models without fitted weights of `Chance.answers`.
"""

_Places = NDArray[np.int64]


def scored_in_rounds(
    matcher: Matcher,
    near: Near,
    questions: Mapping[int, Seen],
    *,
    kept: int,
    twins: Sequence[Finding] = (),
    undecided: AbstractSet[frozenset[int]] = frozenset(),
) -> list[Finding]:
    """Return the findings of those pairs of *near*, by id, that were scored.

    At most about *kept* pairs of a question are flagged; *twins* are flagged already and count.
    Pairs that are *undecided* are always scored.
    """
    given = by_place(near, questions)
    if given is None:
        return []
    near, held, places = given
    pairs = zip(near.left.tolist(), near.right.tolist(), strict=True)
    owed = np.array([frozenset(pair) in undecided for pair in pairs], dtype=bool)
    reading = _Reading(matcher, held, places, near.left, twins)
    if len(first := np.flatnonzero(owed | reading.is_sure)):
        reading.read(first)
    while len(part := reading.next(kept=kept)):
        reading.read(part)
    return reading.findings(near)


class _Reading:
    """The pairs of some questions, (n,): which are not read yet, and the scores of the others."""

    def __init__(
        self,
        matcher: Matcher,
        held: Sequence[Seen],
        places: Near,
        asked: NDArray[np.int64],
        twins: Sequence[Finding],
    ) -> None:
        self._matcher, self._held, self._places = matcher, held, places
        self._traits = matcher.traits(held, places)
        self._waits, self.is_sure = matcher.triage(places, self._traits)
        self._needed = matcher.fusion.needed(matcher.threshold, places.cosines, self._traits)
        self._scores: list[tuple[_Places, Scores]] = []
        ids, self._of = np.unique(asked, return_inverse=True)
        known = Counter(one.question_id for one in twins)
        self._flagged = np.array([known[one] for one in ids.tolist()], dtype=np.int64)
        self._misses = np.zeros(len(ids), dtype=np.int64)
        self._count = np.zeros(len(ids), dtype=np.int64)
        """The number of known logits of each question, and below their sum."""
        self._total = np.zeros(len(ids), dtype=np.float32)

    def read(self, part: _Places) -> None:
        """Score the pairs at the places *part*, and record their logits."""
        self._waits[part] = False
        scores = self._matcher.score(self._held, self._places.take(part), self._some(part))
        self._scores.append((part, scores))
        of = self._of[part]
        is_flagged = scores.probability >= self._matcher.threshold
        np.add.at(self._flagged, of, is_flagged)
        for one, is_hit in zip(of.tolist(), is_flagged.tolist(), strict=True):
            self._misses[one] = 0 if is_hit else self._misses[one] + 1
        is_answered = ~np.isnan(scores.first)
        np.add.at(self._count, of, is_answered)
        np.add.at(self._total, of, np.where(is_answered, scores.mean, 0))

    def next(self, *, kept: int) -> _Places:
        """Return the places of the pairs to read next: the nearest ones of each open question."""
        waiting = np.flatnonzero(self._waits & (self._flagged < kept)[self._of])
        waiting = waiting[self._have_a_chance(waiting)]
        order = np.lexsort((-self._places.cosines[waiting], self._of[waiting]))
        of = self._of[waiting[order]]
        rank = np.arange(len(of)) - np.searchsorted(of, of)
        return np.asarray(waiting[order[rank < ROUND]])

    def _have_a_chance(self, waiting: _Places) -> NDArray[np.bool_]:
        """Return which of the pairs *waiting*, (m,), still have a chance to be flagged, (m,)."""
        chance, of = self._matcher.rule.chance, self._of[waiting]
        may_be = np.ones(len(waiting), dtype=bool)
        if chance is None or not chance.learns:
            may_be = self._misses[of] < PATIENCE
        if chance is not None and self._traits is not None:
            chances = chance.of(
                self._needed[waiting],
                self._places.cosines[waiting],
                self._traits.overlap[waiting],
                count=self._count[of],
                total=self._total[of],
            )
            may_be &= chances >= LEAST
        return may_be

    def _some(self, part: _Places) -> Traits | None:
        return None if self._traits is None else self._traits.take(part)

    def findings(self, near: Near) -> list[Finding]:
        """Return the findings of the scored pairs of *near*, by id, in the order of the reading."""
        return [
            finding
            for part, scores in self._scores
            for finding in findings(self._matcher, near.take(part), self._some(part), scores)
        ]
