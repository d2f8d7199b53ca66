"""Each domain decided by a calibration that was fitted on the others and never saw it."""

from collections.abc import Sequence

import numpy as np

from db.errors import InvalidInputError
from training.data.pairs import Labels
from training.data.suites import PairsDomain
from training.measure.calibrate import RawScores, calibrate
from training.measure.domains import Measured
from training.measure.stages import StageScores
from worker.scoring.fusion import Calibration


def leave_one_out(measured: Sequence[Measured], *, bi_encoder: str) -> list[Calibration]:
    """Return for each domain the calibration fitted on the labelled pairs of all the others.

    Each domain counts alike, whatever its size. A mining set and labelled pairs of one name are one
    domain. Raises `InvalidInputError` where no other domain has labelled pairs.
    """
    names = {one.domain.name for one in measured}
    fitted = {name: _without(name, measured, bi_encoder) for name in sorted(names)}
    return [fitted[one.domain.name] for one in measured]


def _without(name: str, measured: Sequence[Measured], bi_encoder: str) -> Calibration:
    others = [_believed(one) for one in measured if _has_labels(one) and one.domain.name != name]
    scores = [part for part, _ in others if len(part)]
    if not scores:
        raise InvalidInputError(f"no domain but {name} has labelled pairs to calibrate on")
    labels = np.concatenate([part for _, part in others])
    sizes = [len(part) for part in scores]
    weights = np.repeat([len(labels) / len(sizes) / size for size in sizes], sizes)
    return calibrate(
        _raw(StageScores.joined(scores)), labels, bi_encoder=bi_encoder, weights=weights
    )


def _has_labels(one: Measured) -> bool:
    return isinstance(one.domain, PairsDomain)


def _believed(one: Measured) -> tuple[StageScores, Labels]:
    """Return the pairs that the service would ask its models about, with their labels."""
    asked = ~(one.scores.foreign | one.scores.same_text)
    return one.scores.take(asked), one.labels[asked]


def _raw(scores: StageScores) -> RawScores:
    return RawScores(forward=scores.forward, backward=scores.backward, cosine=scores.cosine_whole)
