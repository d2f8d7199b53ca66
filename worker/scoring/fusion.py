"""From raw scores to a decision: fusion, calibration, thresholds. Pure."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from db.errors import UnreadableModelError

Floats = NDArray[np.float32]

CALIBRATION_FILE = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """A logistic fusion of the reranker's logit with the bi-encoder's cosine."""

    logit: float = 1.0
    cosine: float = 0.0
    bias: float = 0.0

    def probability(self, logits: Floats, cosines: Floats) -> Floats:
        """Return calibrated probabilities, (n,) float32 in 0..1, monotone in both inputs."""
        raw = self.logit * logits + self.cosine * cosines + self.bias
        return (1.0 / (1.0 + np.exp(-np.clip(raw, -60.0, 60.0)))).astype(np.float32)

    def moved(self, slope: float, shift: float) -> "Fusion":
        """Return the fusion whose logits are this one's times *slope* plus *shift*."""
        return Fusion(
            logit=slope * self.logit, cosine=slope * self.cosine, bias=slope * self.bias + shift
        )


def unmoved(probability: float, *, slope: float, shift: float) -> float:
    """Return the probability that `Fusion.moved` turns into *probability*."""
    if not 0.0 < probability < 1.0:
        return probability
    return 1.0 / (1.0 + math.exp(-(math.log(probability / (1.0 - probability)) - shift) / slope))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns a reranker's logits into decisions; saved beside its weights.

    ``cosine_floor`` is the cosine below which a candidate is not worth reranking, ``asymmetry``
    the difference in logits between the two orders of a pair that 99.9 % of pairs stay under.
    """

    bi_encoder: str | None = None
    """Digest of the bi-encoder whose cosine `fusion` and `cosine_floor` were fitted on."""
    fusion: Fusion = field(default_factory=Fusion)
    logit_only: Fusion = field(default_factory=Fusion)
    """Used when the cosine comes from any other bi-encoder."""
    threshold: float = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Probability to flag at, by the precision it reached on dev, such as ``{"0.95": 0.91}``."""
    cosine_floor: float = 0.5
    asymmetry: float = 3.0

    def for_bi_encoder(self, digest: str) -> Fusion:
        """Return the fusion that is valid for cosines of the bi-encoder with this digest."""
        return self.fusion if digest == self.bi_encoder else self.logit_only

    def as_dict(self) -> dict[str, object]:
        """Return the calibration as it is written to JSON."""
        return asdict(self)

    def save(self, folder: Path) -> None:
        """Write the calibration beside the weights in *folder*."""
        text = json.dumps(self.as_dict(), indent=2, sort_keys=True)
        (folder / CALIBRATION_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the calibration saved in *folder*, or the neutral one where there is none.

        Raises `UnreadableModelError` when the file is there and cannot be used.
        """
        path = folder / CALIBRATION_FILE
        if not path.exists():
            return cls()
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            fusion, logit_only = Fusion(**data.pop("fusion")), Fusion(**data.pop("logit_only"))
            return cls(fusion=fusion, logit_only=logit_only, **data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnreadableModelError(path, f"not a calibration: {error}") from error


def best_case(calibration: Calibration, fusion: Fusion, logits: Floats, cosines: Floats) -> Floats:
    """Return the highest probability each pair could still reach with its other order scored."""
    return fusion.probability(logits + np.float32(calibration.asymmetry / 2), cosines)


def worst_case(calibration: Calibration, fusion: Fusion, logits: Floats, cosines: Floats) -> Floats:
    """Return the lowest probability each pair could still get with its other order scored."""
    return fusion.probability(logits - np.float32(calibration.asymmetry / 2), cosines)
