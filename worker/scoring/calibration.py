"""A CrossEncoder's calibration: from logits to flags. It is saved beside the weights. Pure.

A CrossEncoder may serve beside several bi-encoders. Their cosines are on different scales, so each
has its own `Rule`, found by its digest.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from db.errors import UnreadableModelError
from worker.scoring.chance import Chance
from worker.scoring.fusion import Floats, Fusion, logit
from worker.scoring.traits import Traits
from worker.text.normal import Reads

CALIBRATION_FILE = "calibration.json"
LOWEST = 0.3
"""For thresholds below this one the floor falls no further: nearly all pairs would be near."""
_MOST_LOWERED = 0.2
"""The floor falls by so many cosines at most, even if the cosine has little weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule for one bi-encoder: the fusion, and the thresholds that were fitted for it."""

    fusion: Fusion
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Threshold for each precision that it reached on dev, such as ``{"0.95": 0.91}``."""
    cosine_floor: float = 0.5
    """The floor at `lowest_threshold`: candidates with a lower cosine are not reranked."""
    chance: Chance | None = None
    """The chance of a pair to reach the threshold, before it is read; None if it was not fitted."""

    @property
    def lowest_threshold(self) -> float:
        """Return the lowest threshold that is offered."""
        return min([self.threshold, *self.thresholds.values()])

    def floor(self, threshold: float) -> float:
        """Return the floor for a *threshold* of the models' own probability.

        `cosine_floor` was fitted for `lowest_threshold`. Below that, pairs are flagged whose cosine
        is lower, so the floor falls by as many cosines as the threshold does.
        """
        if threshold >= self.lowest_threshold or not self.fusion.cosine:
            return self.cosine_floor
        fallen = logit(self.lowest_threshold) - logit(max(threshold, LOWEST))
        return self.cosine_floor - min(max(fallen, 0.0) / self.fusion.cosine, _MOST_LOWERED)

    def reach(self, cosines: Floats) -> Floats:
        """Return the highest threshold whose floor each pair reaches, (n,); 0 if there is none."""
        below = np.float32(self.cosine_floor) - cosines
        fallen = np.float32(logit(self.lowest_threshold)) - self.fusion.cosine * below
        reached = 1.0 / (1.0 + np.exp(-np.clip(fallen, -60.0, 60.0)))
        lowered = np.where(cosines >= self.floor(0.0), reached, 0.0)
        return np.asarray(np.where(below <= 0, 1.0, lowered), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A reranker's calibration: fusion, thresholds, floor; saved beside its weights.

    ``asymmetry`` bounds the difference in logits between the two orders of a pair: 99 % of pairs
    are below it. ``logit_bounds`` are the lowest and the highest logit to expect.
    """

    bi_encoder: str | None = None
    """Digest of the bi-encoder whose cosine `fusion` and `cosine_floor` were fitted on."""
    fusion: Fusion = field(default_factory=Fusion)
    logit_only: Fusion = field(default_factory=Fusion)
    """Used for the cosines of a bi-encoder for which nothing was fitted."""
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    cosine_floor: float = 0.5
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """The rules for further bi-encoders, by digest."""
    asymmetry: float = 3.0
    reads: Reads = Reads.WHOLE
    logit_bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` if the lower bound is not below the upper one."""
        if self.logit_bounds is not None and not self.logit_bounds[0] < self.logit_bounds[1]:
            raise ValueError("logit_bounds must be the lowest and the highest logit")

    def for_bi_encoder(self, digest: str) -> Rule:
        """Return the rule for the bi-encoder with this digest.

        For a bi-encoder that was not fitted, the fusion is `logit_only`.
        """
        if digest in self.rules:
            return self.rules[digest]
        return Rule(
            fusion=self.fusion if digest == self.bi_encoder else self.logit_only,
            threshold=self.threshold,
            thresholds=self.thresholds,
            cosine_floor=self.cosine_floor,
        )

    def as_dict(self) -> dict[str, object]:
        """Return the calibration as it is written to JSON."""
        return asdict(self)

    def save(self, folder: Path) -> None:
        """Write the calibration beside the weights in *folder*."""
        text = json.dumps(self.as_dict(), indent=2, sort_keys=True)
        (folder / CALIBRATION_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the calibration saved in *folder*, or the neutral one if there is none.

        Raises `UnreadableModelError` if the file exists and cannot be used.
        """
        path = folder / CALIBRATION_FILE
        if not path.exists():
            return cls()
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableModelError(path, f"not a calibration: {error}") from error

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> Self:
        """Return the calibration that `as_dict` made *held* from.

        Raises `ValueError`, `TypeError`, `KeyError` or `AttributeError` if it is none.
        """
        data = dict(copy.deepcopy(held))
        logit_only = Fusion(**data.pop("logit_only"))
        fusion = Fusion(**data.pop("fusion", {}))
        rules = {digest: _rule(held) for digest, held in data.pop("rules", {}).items()}
        reads = Reads(data.pop("reads", Reads.WHOLE))
        if (bounds := data.pop("logit_bounds", None)) is not None:
            low, high = bounds
            bounds = float(low), float(high)
        return cls(
            logit_only=logit_only,
            fusion=fusion,
            rules=rules,
            reads=reads,
            logit_bounds=bounds,
            **data,
        )


def _rule(held: dict[str, Any]) -> Rule:
    if (chance := held.pop("chance", None)) is not None:
        chance = Chance(**{name: tuple(weights) for name, weights in chance.items()})
    return Rule(fusion=Fusion(**held.pop("fusion")), chance=chance, **held)


def best_case(
    calibration: Calibration,
    fusion: Fusion,
    logits: Floats,
    cosines: Floats,
    traits: Traits | None = None,
) -> Floats:
    """Return the highest probability, (n,), that each pair can get if its other order is read.

    *logits*, (n,), are those of the first order.
    """
    return fusion.probability(logits + np.float32(calibration.asymmetry / 2), cosines, traits)


def worst_case(
    calibration: Calibration,
    fusion: Fusion,
    logits: Floats,
    cosines: Floats,
    traits: Traits | None = None,
) -> Floats:
    """Return the lowest probability, (n,), that each pair can get if its other order is read.

    *logits*, (n,), are those of the first order.
    """
    return fusion.probability(logits - np.float32(calibration.asymmetry / 2), cosines, traits)


def unread(calibration: Calibration, count: int) -> Floats:
    """Return the logit to use for pairs that are not read, (count,): 0 or nearly 0."""
    low, high = calibration.logit_bounds or (0.0, 0.0)
    return np.full(count, min(max(0.0, low), high), dtype=np.float32)


def worth_reading(
    calibration: Calibration,
    fusion: Fusion,
    cosines: Floats,
    traits: Traits | None = None,
    *,
    threshold: float,
) -> NDArray[np.bool_]:
    """Return which pairs the CrossEncoder has to read, (n,).

    A pair is left out if its logit has no weight, or if even the highest logit of ``logit_bounds``
    would leave it below *threshold*.
    """
    counts = np.broadcast_to(np.asarray(fusion.logit_weight(traits)) > 0, cosines.shape)
    if calibration.logit_bounds is None:
        return np.array(counts)
    kindest = np.full(len(cosines), calibration.logit_bounds[1], dtype=np.float32)
    return np.asarray(counts & (fusion.probability(kindest, cosines, traits) >= threshold))
