"""The precision of each threshold, from the decisions so far. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from db.review.insight import Judged
from db.tenants.rows import CalibrationRow
from worker.scoring.recalibration import Line

STEPS = 200
TARGETS = (0.9, 0.95, 0.98, 0.99)
ENOUGH = 20
"""Judged pairs below which no threshold is suggested: an interval would be too wide to trust."""
_Z = 1.959964
_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The figures for flagging from *threshold* on."""

    threshold: float
    judged: int
    right: int
    low: float
    high: float
    waiting: int
    """Undecided pairs on record at or above the threshold."""

    @property
    def precision(self) -> float | None:
        """Return the share of judged pairs at or above the threshold that were duplicates."""
        return self.right / self.judged if self.judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The stated scores in a range, and the share of duplicates that people found."""

    low: float
    high: float
    judged: int
    right: int
    interval: tuple[float, float]


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
    """Return *judged* with the scores that their models would give them now.

    A decided pair keeps its score from that time, but a threshold is a probability of the present
    calibration. So both are put on the present scale. Scores of other models stay.
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


def curve(judged: Sequence[Judged], waiting: Sequence[int]) -> list[Point]:
    """Return a point for each of `STEPS` thresholds, the lowest first."""
    totals, rights = [0] * STEPS, [0] * STEPS
    for pair in judged:
        place = min(STEPS - 1, int(pair.score * STEPS))
        totals[place] += 1
        rights[place] += pair.is_duplicate
    points: list[Point] = []
    total = right = left = 0
    for place in reversed(range(STEPS)):
        total, right = total + totals[place], right + rights[place]
        left += waiting[place]
        low, high = wilson(right, total)
        points.append(
            Point(
                threshold=place / STEPS, judged=total, right=right, low=low, high=high, waiting=left
            )
        )
    return points[::-1]


def base(points: Sequence[Point]) -> float:
    """Return where the axis of shares begins: at half, or at 0 if the curve goes below half."""
    known = [p.precision for p in points if p.judged >= ENOUGH and p.precision is not None]
    return _HALF if min(known, default=1.0) >= _HALF else 0.0


def at(points: Sequence[Point], threshold: float) -> Point:
    """Return the point of a threshold."""
    return points[max(0, min(STEPS - 1, round(threshold * STEPS)))]


def suggest(points: Sequence[Point], target: float, judged: Sequence[Judged]) -> Point | None:
    """Return the lowest threshold that reaches *target*, or None with fewer than `ENOUGH` pairs.

    It is never below the lowest judged pair: nothing is known about pairs that nobody saw.
    """
    if not judged:
        return None
    floor = min(pair.score for pair in judged)
    for point in points:
        known = point.judged >= ENOUGH and point.threshold >= floor - 1 / STEPS
        if known and point.precision is not None and point.precision >= target:
            return point
    return None


def bands(judged: Sequence[Judged], *, width: float = 0.1) -> list[Band]:
    """Return the band of each range of scores that has judged pairs, the highest first."""
    found: dict[int, list[bool]] = {}
    for pair in judged:
        place = min(round(1 / width) - 1, int(pair.score / width))
        found.setdefault(place, []).append(pair.is_duplicate)
    return [
        Band(
            low=place * width,
            high=(place + 1) * width,
            judged=len(said),
            right=sum(said),
            interval=wilson(sum(said), len(said)),
        )
        for place, said in sorted(found.items(), reverse=True)
    ]
