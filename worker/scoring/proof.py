"""What decisions prove about a score: the share of duplicates among the pairs at or above it.

Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from db.review.insight import Judged
from db.tenants.rows import CalibrationRow
from worker.scoring.bounds import Looked, lowest_certified
from worker.scoring.recalibration import Line

ENOUGH = 20
"""With fewer judged pairs no precision is stated: its interval would be too wide to trust."""
_Z = 1.959964
_SCORES = 200
"""Of more scores than this only evenly spaced ones are tried, at most twice this number."""


def wilson(right: int, judged: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (E. B. Wilson, 1927); 0 to 1 if nothing was judged."""
    if judged == 0:
        return 0.0, 1.0
    share, square = right / judged, _Z * _Z
    centre = share + square / (2 * judged)
    spread = _Z * math.sqrt(share * (1 - share) / judged + square / (4 * judged * judged))
    scale = 1 + square / judged
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def rescale(judged: Sequence[Judged], calibration: CalibrationRow | None) -> list[Judged]:
    """Return *judged* with the scores that the present calibration would give them.

    A judged pair keeps the score of its time, but a threshold is a probability of the present
    calibration. Scores of other models than the present ones stay as the model gave them.
    """
    raw = [pair.score if pair.raw_score is None else pair.raw_score for pair in judged]
    if calibration is None:
        return [replace(pair, score=own) for pair, own in zip(judged, raw, strict=True)]
    line = Line(calibration.slope, calibration.shift)
    ids = (calibration.reranker_id, calibration.bi_encoder_id)
    return [
        replace(pair, score=float(now if pair.model_ids == ids else own))
        for pair, own, now in zip(judged, raw, line.probability(np.array(raw)), strict=True)
    ]


def certified(judged: Sequence[Judged], precision: float) -> float | None:
    """Return the lowest score from which the decisions prove *precision*, or None.

    The result is valid however often it is computed, and for all scores at once: see `bounds`.
    """
    ordered = sorted(judged, key=lambda pair: -pair.score)
    rights = list(accumulate(pair.is_duplicate for pair in ordered))
    lasts = [
        place
        for place, pair in enumerate(ordered)
        if place + 1 == len(ordered) or ordered[place + 1].score < pair.score
    ]
    kept = lasts[:: max(1, len(lasts) // _SCORES)]
    return lowest_certified(
        [ordered[place].score for place in kept],
        [Looked(int(rights[place]), place + 1 - int(rights[place])) for place in kept],
        precision=precision,
    )
