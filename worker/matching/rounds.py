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
from worker.matching.matcher import Matcher, note
from worker.matching.near import Near
from worker.scoring.chance import LEAST
from worker.scoring.fusion import Floats
from worker.text.normal import Seen

ROUND = 2
"""Candidates of a question that are read at a time."""
MORE = 4
"""The same for a question with a flagged candidate: it often has more of them."""
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
    reading = Reading(matcher, held, places, near.left, kept=kept, twins=twins)
    if len(first := np.flatnonzero(owed | reading.is_sure)):
        reading.read(first)
    while len(part := reading.next()) or reading.is_owed:
        reading.read(part)
    return reading.findings(near)


class Reading:
    """The pairs of some questions, (n,): which are not read yet, and the scores of the others.

    *asked*, (n,), tells the question of each pair. About *kept* pairs of each question are flagged.
    If *kept* is None, every pair with a chance is read, in rounds that grow.
    """

    def __init__(
        self,
        matcher: Matcher,
        held: Sequence[Seen],
        places: Near,
        asked: NDArray[np.int64],
        *,
        kept: int | None,
        twins: Sequence[Finding] = (),
    ) -> None:
        self._matcher, self._held, self._places, self._kept = matcher, held, places, kept
        self._traits = matcher.traits(held, places)
        self._waits, self.is_sure = matcher.triage(places, self._traits)
        self._needed = matcher.fusion.needed(matcher.threshold, places.cosines, self._traits)
        self._cascade = matcher.cascade(held, places, self._traits)
        self._read: list[_Places] = []
        ids, self._of = np.unique(asked, return_inverse=True)
        known = Counter(one.question_id for one in twins)
        self._flagged = np.array([known[one] for one in ids.tolist()], dtype=np.int64)
        self._misses = np.zeros(len(ids), dtype=np.int64)
        self.logit = np.full(len(places), np.nan, np.float32)
        """The mean logit of each pair that was read, (n,); NaN for the others."""
        if places.logit is not None:
            self.logit = places.logit.copy()
            self._waits &= np.isnan(self.logit)
        self._learn()

    @property
    def learns(self) -> bool:
        """Return whether the logits of a question's other pairs change the chance of a pair."""
        chance = self._matcher.rule.chance
        return chance is not None and chance.learns

    @property
    def is_owed(self) -> bool:
        """Return whether the other order of some pairs is still to be read."""
        return bool(self._cascade.is_owed.any())

    @property
    def probability(self) -> Floats:
        """Return the probability of each pair, (n,); 0 if it was not read."""
        found = np.zeros(len(self.logit), np.float32)
        places, scores = self._scores()
        found[places] = scores.probability
        return found

    def read_all(self) -> int:
        """Read every pair with a chance, and return the number of inputs read."""
        if len(sure := np.flatnonzero(self.is_sure)):
            self.read(sure)
        while len(part := self.next()):
            self.read(part)
        return self._scores()[1].calls

    def read(self, part: _Places) -> None:
        """Read the pairs at the places *part*, and the other order of those that are owed.

        The other order of *part* is read with the next ones, so that fewer steps are needed. If all
        pairs with a chance are read, it is read at once.
        """
        self._waits[part] = False
        self._read.append(part)
        done = self._cascade.read(part)
        if self._kept is None:
            done = np.concatenate((done, self._cascade.read_owed()))
        is_flagged = self._cascade.scores(done).probability >= self._matcher.threshold
        np.add.at(self._flagged, self._of[done], is_flagged)
        for one, is_hit in zip(self._of[done].tolist(), is_flagged.tolist(), strict=True):
            self._misses[one] = 0 if is_hit else self._misses[one] + 1
        self._learn()

    def _learn(self) -> None:
        """Count and add up the known logits of each question."""
        logits = self._cascade.logits
        self.logit = np.where(np.isnan(logits), self.logit, logits)
        known = np.flatnonzero(~np.isnan(self.logit))
        of, count = self._of[known], len(self._flagged)
        self._count = np.bincount(of, minlength=count)
        total = np.bincount(of, weights=self.logit[known], minlength=count)
        self._total = total.astype(np.float32)

    def _hits(self) -> _Places:
        """Return how many pairs of each question are flagged, or may be by their other order."""
        owed = self._of[self._cascade.is_owed]
        return self._flagged + np.bincount(owed, minlength=len(self._flagged))

    def next(self) -> _Places:
        """Return the places of the pairs to read next: the nearest ones of each open question."""
        waiting = np.flatnonzero(self._waits)
        if self._kept is not None:
            waiting = waiting[self._hits()[self._of[waiting]] < self._kept]
        waiting = waiting[self._have_a_chance(waiting)]
        order = np.lexsort((-self._places.cosines[waiting], self._of[waiting]))
        of = self._of[waiting[order]]
        rank = np.arange(len(of)) - np.searchsorted(of, of)
        return np.asarray(waiting[order[rank < self._most(of)]])

    def _most(self, of: _Places) -> NDArray[np.int64] | int:
        """Return how many candidates of each question *of*, (m,), are read in the next round."""
        if self._kept is not None:
            hits = self._hits()[of]
            at_once = np.where(hits > 0, MORE, ROUND) if self.learns else ROUND
            return np.minimum(at_once, self._kept - hits + 1)
        if not self.learns:
            return len(of)
        return np.maximum(ROUND, self._count[of] // 2)

    def _have_a_chance(self, waiting: _Places) -> NDArray[np.bool_]:
        """Return which of the pairs *waiting*, (m,), still have a chance to be flagged, (m,)."""
        chance, of = self._matcher.rule.chance, self._of[waiting]
        may_be = np.ones(len(waiting), dtype=bool)
        if self._kept is not None and not self.learns:
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

    def _scores(self) -> tuple[_Places, Scores]:
        """Return the places of the pairs in the order of the reading, and their scores."""
        places = np.concatenate((np.zeros(0, np.int64), *self._read))
        return places, self._cascade.scores(places)

    def findings(self, near: Near) -> list[Finding]:
        """Return the findings of the scored pairs of *near*, by id, in the order of the reading."""
        places, scores = self._scores()
        note(scores)
        traits = None if self._traits is None else self._traits.take(places)
        return findings(self._matcher, near.take(places), traits, scores)
