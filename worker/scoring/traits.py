"""Traits of a pair: what a fusion uses besides cosine and logit. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Self

import numpy as np
from numpy.typing import NDArray

from worker.scoring.overlap import overlaps, runs
from worker.text.normal import Seen

Floats = NDArray[np.float32]

LONG_BODY = 20
"""A body with at least so many words counts fully."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """The traits of n pairs; each array is (n,)."""

    overlap: Floats
    """Share of the words of both titles that both have, 0..1."""
    bodies: Floats
    """How long the shorter body is: 0 if one question has none, 1 if both are long."""
    density: Floats | None = None
    """How much denser than usual the forum is around the pair, in cosines; None if not known."""
    unknown_script: NDArray[np.bool_] | None = None
    """Whether a text is in a script that the models do not know; None if no pair has one."""

    @classmethod
    def of(
        cls,
        questions: Sequence[Seen],
        pairs: NDArray[np.int32],
        density: Floats | None = None,
    ) -> Self:
        """Return the traits of *pairs*, (n, 2) indices into *questions*, with their *density*."""
        used, places = np.unique(pairs, return_inverse=True)
        seen = [questions[place] for place in used.tolist()]
        at = places.reshape(-1, 2).astype(np.int32)
        return cls(
            overlap=overlaps([one.title for one in seen], at),
            bodies=bodies(seen, at),
            density=density,
        )

    @classmethod
    def of_titles(cls, titles: Sequence[str], pairs: NDArray[np.int32]) -> Self:
        """Return the traits of *pairs*, (n, 2) indices into *titles*, without bodies."""
        none = np.zeros(len(pairs), dtype=np.float32)
        return cls(overlap=overlaps(titles, pairs), bodies=none)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Traits":
        """Return the traits of some of the pairs."""
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        given = {name: value[which] for name, value in held.items() if value is not None}
        return replace(self, **given)


def bodies(questions: Sequence[Seen], pairs: NDArray[np.int32]) -> Floats:
    """Return how long the shorter body of each pair is, 0..1, (n,).

    This is its words divided by `LONG_BODY`, at most 1. *pairs* are (n, 2) indices into
    *questions*.
    """
    shares = [sum(1 for _ in islice(runs(one.body), LONG_BODY)) / LONG_BODY for one in questions]
    return np.asarray(np.array(shares, dtype=np.float32)[pairs].min(axis=1), np.float32)
