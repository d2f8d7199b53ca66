"""The precision of each threshold, from the decisions so far. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from db.review.insight import Judged
from worker.scoring.proof import ENOUGH, wilson

STEPS = 200
"""Thresholds that are looked at."""
TARGETS = (0.9, 0.95, 0.98, 0.99)
_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Judged pairs, and how many of them were duplicates."""

    judged: int
    right: int

    @property
    def precision(self) -> float | None:
        """Return the share of the judged pairs that were duplicates."""
        return self.right / self.judged if self.judged else None

    @property
    def interval(self) -> tuple[float, float]:
        """Return between which shares it lies with 95 % confidence."""
        return wilson(self.right, self.judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point(_Counted):
    """The figures for flagging from *threshold* on."""

    threshold: float
    waiting: int
    """Undecided pairs on record at or above the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(_Counted):
    """The stated scores in a range, and the share of duplicates that people found."""

    low: float
    high: float


def curve(judged: Sequence[Judged], waiting: Sequence[int]) -> list[Point]:
    """Return a point for each of `STEPS` thresholds, the lowest first."""
    totals, rights = [0] * STEPS, [0] * STEPS
    for pair in judged:
        place = _place(pair.score)
        totals[place] += 1
        rights[place] += pair.is_duplicate
    points: list[Point] = []
    total = right = left = 0
    for place in reversed(range(STEPS)):
        total, right = total + totals[place], right + rights[place]
        left += waiting[place]
        points.append(Point(threshold=place / STEPS, judged=total, right=right, waiting=left))
    return points[::-1]


def _place(score: float, *, steps: int = STEPS) -> int:
    """Return which of *steps* equal ranges has this score: from its lower end, below its upper."""
    return bisect_right(range(steps), score, key=lambda place: place / steps) - 1


def base(points: Sequence[Point]) -> float:
    """Return where the axis of shares begins: at half, or at 0 if the curve goes below half."""
    known = [p.precision for p in points if p.judged >= ENOUGH and p.precision is not None]
    return _HALF if min(known, default=1.0) >= _HALF else 0.0


def at(points: Sequence[Point], threshold: float) -> Point:
    """Return the point of a threshold."""
    return points[max(0, min(STEPS - 1, round(threshold * STEPS)))]


def suggest(points: Sequence[Point], target: float, judged: Sequence[Judged]) -> Point | None:
    """Return the lowest threshold that reaches *target*, or None with fewer than `ENOUGH` pairs.

    It is the step of the lowest judged pair or above: nothing is known of pairs that nobody saw.
    """
    if not judged:
        return None
    lowest = _place(min(pair.score for pair in judged))
    for point in points[lowest:]:
        if point.judged >= ENOUGH and (point.precision or 0.0) >= target:
            return point
    return None


def bands(judged: Sequence[Judged], *, steps: int = 10) -> list[Band]:
    """Return the band of each of *steps* ranges that has judged pairs, the highest first."""
    found: dict[int, list[bool]] = {}
    for pair in judged:
        found.setdefault(_place(pair.score, steps=steps), []).append(pair.is_duplicate)
    return [
        Band(
            low=place / steps,
            high=(place + 1) / steps,
            judged=len(said),
            right=sum(said),
        )
        for place, said in sorted(found.items(), reverse=True)
    ]
