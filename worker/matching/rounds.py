"""Reads each question's nearest candidates first, and stops when more reading would change little.

The denser a forum, the more of its questions are near a new one, and most of these ask something
else. The CrossEncoder reads the candidates that could be flagged, a few at a time and the nearest
first. It stops when enough are flagged (as many as are kept), or when several in a row are not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.pairs.rows import Finding
from worker.matching.findings import by_place, flagged, scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.text.normal import Seen

ROUND = 4
"""Candidates of a question that are read at a time."""
PATIENCE = 6
"""After so many candidates in a row that are not flagged, the farther ones are not read."""


@dataclass(slots=True)
class _Turn:
    """The state of reading for one question."""

    waiting: list[int]
    """Places of the pairs that are not read yet, the nearest last."""
    flagged: int
    misses: int = 0

    def next(self, *, kept: int) -> list[int]:
        if self.flagged >= kept or self.misses >= PATIENCE:
            return []
        return [self.waiting.pop() for _ in range(min(ROUND, len(self.waiting)))]

    def note(self, *, is_flagged: bool) -> None:
        self.flagged += is_flagged
        self.misses = 0 if is_flagged else self.misses + 1


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
    is_read, is_flagged = matcher.triage(held, places)
    findings = scored(matcher, near.take(owed | is_flagged), questions)
    sure = Counter(one.question_id for one in (*twins, *flagged(findings, matcher.threshold)))
    turns = _turns(near, np.flatnonzero(is_read & ~owed), sure)
    while part := [place for turn in turns.values() for place in turn.next(kept=kept)]:
        for finding in scored(matcher, near.take(np.array(part, dtype=np.int64)), questions):
            findings.append(finding)
            turns[finding.question_id].note(is_flagged=finding.score >= matcher.threshold)
    return findings


def _turns(near: Near, open_: NDArray[np.int64], flagged: Mapping[int, int]) -> dict[int, _Turn]:
    turns: dict[int, _Turn] = {}
    farthest_first = open_[np.argsort(near.cosine[open_], kind="stable")]
    for place, asked in zip(
        farthest_first.tolist(), near.left[farthest_first].tolist(), strict=True
    ):
        turns.setdefault(asked, _Turn([], flagged.get(asked, 0))).waiting.append(place)
    return turns
