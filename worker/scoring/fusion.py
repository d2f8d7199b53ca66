"""The fusion: from a cosine and the CrossEncoder's logit to a probability. Pure."""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from worker.scoring.traits import Traits

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BothOrders:
    """The CrossEncoder's logits of n pairs, each (n,), read in both orders."""

    forward: Floats
    """Of (first, second)."""
    backward: Floats
    """Of (second, first)."""

    @property
    def logit(self) -> Floats:
        """Return the mean of the two orders, (n,)."""
        return np.asarray((self.forward + self.backward) / 2, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """A logistic fusion of the reranker's logit with the bi-encoder's cosine.

    The overlap of two titles' words, 0..1, may raise the logit's weight. If the words are the same,
    their order, numbers and roles decide, and only the CrossEncoder reads these; if the words
    differ, the cosine knows more. *bodies* raises the score of two questions with bodies: the
    cosines of longer texts are lower. *density* lowers the score where the forum is denser than
    usual around the pair. If a text is in a script that the models do not know, the logit's weight
    is multiplied with *unknown_script*.
    """

    logit: float = 1.0
    cosine: float = 0.0
    bias: float = 0.0
    overlap_logit: float = 0.0
    bodies: float = 0.0
    density: float = 0.0
    unknown_script: float = 1.0

    def __post_init__(self) -> None:
        """Raise `ValueError` if a probability would not rise with cosine and logit."""
        if not all(math.isfinite(getattr(self, field.name)) for field in fields(self)):
            raise ValueError("a fusion's weights must be finite numbers")
        if min(getattr(self, field.name) for field in fields(self) if field.name != "bias") < 0:
            raise ValueError("a fusion's weights must not be negative")

    @property
    def needs_traits(self) -> bool:
        """Return whether the fusion uses more of a pair than cosine and logit."""
        return max(self.overlap_logit, self.bodies, self.density) > 0

    def logit_weight(self, traits: Traits | None = None) -> Floats | float:
        """Return the weight of a logit, (n,) if it depends on the pair."""
        weight: Floats | float = self.logit
        if self.overlap_logit:
            weight = weight + self.overlap_logit * _known(traits).overlap
        if self.unknown_script < 1 and traits is not None and traits.unknown_script is not None:
            left = np.where(traits.unknown_script, self.unknown_script, 1.0).astype(np.float32)
            weight = weight * left
        return weight

    def probability(self, logits: Floats, cosines: Floats, traits: Traits | None = None) -> Floats:
        """Return calibrated probabilities, (n,) float32 in 0..1, monotone in logits and cosines.

        Raises `ValueError` if the fusion uses overlap or bodies and there are no *traits*.
        """
        raw: Floats = self.logit_weight(traits) * logits + self._unread(cosines, traits)
        return (1.0 / (1.0 + np.exp(-np.clip(raw, -60.0, 60.0)))).astype(np.float32)

    def needed(self, threshold: float, cosines: Floats, traits: Traits | None = None) -> Floats:
        """Return the logit with which each pair reaches *threshold*, (n,).

        It is infinite or NaN if the logit has no weight.
        """
        missing = np.float32(logit(threshold)) - self._unread(cosines, traits)
        weight = np.broadcast_to(np.asarray(self.logit_weight(traits), np.float32), missing.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(missing / weight, np.float32)

    def _unread(self, cosines: Floats, traits: Traits | None) -> Floats:
        """Return the log odds of pairs with a logit of 0, (n,)."""
        raw: Floats = self.cosine * cosines + self.bias
        if self.bodies:
            raw = raw + self.bodies * _known(traits).bodies
        if self.density and traits is not None and traits.density is not None:
            raw = raw - self.density * traits.density
        return raw

    def moved(self, slope: float, shift: float) -> "Fusion":
        """Return a fusion whose result, as a logit, is *slope* times this one's plus *shift*."""
        return Fusion(
            logit=slope * self.logit,
            cosine=slope * self.cosine,
            bias=slope * self.bias + shift,
            overlap_logit=slope * self.overlap_logit,
            bodies=slope * self.bodies,
            density=slope * self.density,
            unknown_script=self.unknown_script,
        )


def _known(traits: Traits | None) -> Traits:
    if traits is None:
        raise ValueError("this fusion needs the traits of each pair: overlap and bodies")
    return traits


def unmoved(probability: float, *, slope: float, shift: float) -> float:
    """Return the probability that `Fusion.moved` changes into *probability*."""
    if not 0.0 < probability < 1.0:
        return probability
    return 1.0 / (1.0 + math.exp(-(logit(probability) - shift) / slope))


def logit(probability: float) -> float:
    """Return the logit of a probability, infinite for 0 and 1."""
    if probability <= 0.0 or probability >= 1.0:
        return -math.inf if probability <= 0.0 else math.inf
    return math.log(probability / (1.0 - probability))
