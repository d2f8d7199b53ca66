"""Reads the near pairs of an archive in rounds, as `rounds` reads those of live questions.

A pair of an archive is near to two questions. It belongs to the later one, as if the questions had
come one after another. The pairs of a question are read together, because each logit changes the
chance of the others. A unit of work has whole groups of pairs, so its result is always the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from db.pairs.rows import Finding
from worker.matching.findings import by_place
from worker.matching.matcher import Matcher, OnDone, unheard
from worker.matching.near import Near
from worker.matching.rounds import Reading
from worker.scoring.fusion import Floats
from worker.text.normal import Reads, Seen

GROUP = 256
"""Most pairs of a group. A question that is near to more has several groups."""
_AT_ONCE = 16_384

_Places = NDArray[np.int64]


def with_owners(near: Near) -> Near:
    """Return the pairs *near*, by id, with the later question of each on the left."""
    late, early = np.maximum(near.left, near.right), np.minimum(near.left, near.right)
    return replace(near, left=late, right=early)


def groups(owners: _Places) -> _Places:
    """Return the number of each pair's group, (n,), from 0; *owners* are the pairs' questions."""
    if not len(owners):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    rank = np.arange(len(owners)) - np.repeat(starts, np.diff(np.r_[starts, len(owners)]))
    return np.cumsum(rank % GROUP == 0) - 1


def whole_groups(of: _Places, size: int) -> Iterator[slice]:
    """Yield slices of about *size* pairs, and no group in two; *of*, (n,), is ascending."""
    yield from _by_group(of, np.ones(len(of), np.int64), size)


def looks(lengths: Sequence[int] | _Places, look: int) -> Iterator[slice]:
    """Yield slices of rows with about *look* characters each; *lengths* has those of each row."""
    ends = np.flatnonzero(np.diff(np.cumsum(lengths) // look)) + 1
    for start, end in pairwise([0, *ends.tolist(), len(lengths)]):
        yield slice(start, end)


def _by_group(of: _Places, lengths: _Places, look: int) -> Iterator[slice]:
    """Yield slices as `looks` does, without dividing a group; *of*, (n,), is ascending."""
    if not len(of):
        return
    starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    bounds = np.append(starts, len(of))
    for part in looks(np.add.reduceat(lengths, starts), look):
        yield slice(int(bounds[part.start]), int(bounds[part.stop]))


@dataclass(slots=True)
class Reader:
    """Scores the pairs of an archive until more urgent work waits.

    It looks for such work after about *look* characters, and reads some pairs in any case.
    """

    look: int
    is_wanted: Callable[[], bool]
    rest: Near = field(default_factory=Near.none)
    """The groups of pairs, by id, that are not read to the end."""

    def __call__(
        self, matcher: Matcher, near: Near, questions: Mapping[int, Seen]
    ) -> list[Finding]:
        """Return the findings of those pairs of *near*, by id, that were scored.

        The pairs of a question must be side by side, with the question on the left. *questions* are
        by id. Pairs with a question that is not there are left out.
        """
        given = by_place(near, questions)
        if given is None:
            return []
        near, held, places = given
        of = groups(near.left)
        reading = Reading(matcher, held, places, of, kept=None)
        lengths = _lengths(held, matcher.reranker.calibration.reads)[places.pairs].sum(axis=1)
        if len(sure := np.flatnonzero(reading.is_sure)):
            reading.read(sure)
        whole = of if reading.learns else np.arange(len(of))  # what a look must not divide
        has_read = False
        while len(part := reading.next()):
            for some in _by_group(whole[part], lengths[part], self.look):
                if has_read and self.is_wanted():
                    self.rest = _rest(near, of, reading)
                    return reading.findings(near)
                reading.read(part[some])
                has_read = True
        return reading.findings(near)


def _lengths(questions: Sequence[Seen], reads: Reads) -> _Places:
    return np.array([len(one.for_reranker(reads)) for one in questions], dtype=np.int64)


def _rest(near: Near, of: _Places, reading: Reading) -> Near:
    """Return the groups that are still read, with the logits that are known."""
    is_open = np.isin(of, of[reading.next()])
    return replace(near, logit=reading.logit).take(is_open)


def score_many(
    matcher: Matcher, questions: Sequence[Seen], near: Near, *, on_done: OnDone = unheard
) -> tuple[Floats, int]:
    """Return the probabilities of the pairs *near*, (n,), and the number of inputs read.

    *near* is by places in *questions*. A pair that has no chance to be flagged is not read, and its
    probability is 0.
    """
    owners = np.maximum(near.left, near.right)
    order = np.lexsort((-near.cosine, owners))
    of = groups(owners[order])
    probabilities, calls = np.zeros(len(near), np.float32), 0
    for part in whole_groups(of, _AT_ONCE):
        some = order[part]
        reading = Reading(matcher, questions, near.take(some), of[part], kept=None)
        calls += reading.read_all()
        probabilities[some] = reading.probability
        on_done(len(some))
    return probabilities, calls
