"""Candidate pairs as arrays: by position among some texts, or by question id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.scoring.density import of_pairs
from worker.scoring.fusion import Floats

Which = NDArray[np.bool_] | NDArray[np.int64] | slice


@dataclass(frozen=True, slots=True)
class Near:
    """Pairs of near vectors, (n,) each.

    *capped* is the number of rows that had more pairs than were kept.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    cosine: NDArray[np.floating[Any]]
    capped: int = 0
    density: Floats | None = None
    """How much denser than usual the forum is around each pair, (n,); None if not known."""
    logit: Floats | None = None
    """The logits of pairs that were read before, NaN for the others, (n,); None if none was."""

    def __len__(self) -> int:
        return len(self.left)

    @classmethod
    def none(cls) -> "Near":
        """Return no pairs."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, np.zeros(0, dtype=np.float32))

    def take(self, which: Which) -> "Near":
        """Return some of the pairs, in the given order."""
        density = None if self.density is None else self.density[which]
        logit = None if self.logit is None else self.logit[which]
        sides = self.left[which], self.right[which]
        return Near(*sides, self.cosine[which], self.capped, density, logit)

    def surrounded(self, tell: Callable[[NDArray[np.int64]], Floats | None]) -> "Near":
        """Return the pairs, by question id, with the density around them.

        *tell* returns the density around questions, (m,), by their ids, NaN where it is not known,
        or None if it is not known for any.
        """
        ids, places = np.unique((self.left, self.right), return_inverse=True)
        around = tell(ids)
        if around is None:
            return self
        left, right = around[places.reshape(2, -1)]
        return replace(self, density=np.nan_to_num(of_pairs(left, right)))

    @property
    def pairs(self) -> NDArray[np.int32]:
        """Return both sides of each pair, (n, 2)."""
        return np.stack((self.left, self.right), axis=1).astype(np.int32)

    @property
    def cosines(self) -> Floats:
        """Return the cosines in single precision, (n,)."""
        return np.asarray(self.cosine, dtype=np.float32)


def joined(parts: Sequence[Near]) -> Near:
    """Return the pairs of all *parts*, one part after the other; their logits are not kept."""
    if not parts:
        return Near.none()
    densities = [one.density for one in parts]
    known = [one for one in densities if one is not None]
    return Near(
        np.concatenate([one.left for one in parts]),
        np.concatenate([one.right for one in parts]),
        np.concatenate([one.cosine for one in parts]),
        density=np.concatenate(known) if len(known) == len(parts) else None,
    )
