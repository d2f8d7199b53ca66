"""What a fusion weighs of a pair besides its two scores, computed from the texts alone. Pure."""

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
"""Words from which on a body is as long as it need be."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traits:
    """What is known of n pairs, each array (n,)."""

    overlap: Floats
    """Share of the words of both titles that both have, 0..1."""
    bodies: Floats
    """How much body both questions show: 0 where one has none, 1 where both are long."""
    density: Floats | None = None
    """By how much their forum is denser around them than usual, in cosines; None: not known."""
    unknown_script: NDArray[np.bool_] | None = None
    """Whether a text is in a script that the models do not know; None: none is."""

    @classmethod
    def of(
        cls,
        questions: Sequence[Seen],
        pairs: NDArray[np.int32],
        density: Floats | None = None,
    ) -> Self:
        """Return the traits of *pairs*, (n, 2) places in *questions*, with their *density*."""
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
        """Return the traits of *pairs*, (n, 2) places in *titles*, of questions without bodies."""
        none = np.zeros(len(pairs), dtype=np.float32)
        return cls(overlap=overlaps(titles, pairs), bodies=none)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Traits":
        """Return the traits of some of the pairs."""
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        given = {name: value[which] for name, value in held.items() if value is not None}
        return replace(self, **given)


def bodies(questions: Sequence[Seen], pairs: NDArray[np.int32]) -> Floats:
    """Return for each pair, (n, 2) places in *questions*, how much body both show, 0..1, (n,).

    The words of the shorter one by `LONG_BODY`, and never more than 1.
    """
    shares = [sum(1 for _ in islice(runs(one.body), LONG_BODY)) / LONG_BODY for one in questions]
    return np.asarray(np.array(shares, dtype=np.float32)[pairs].min(axis=1), np.float32)
