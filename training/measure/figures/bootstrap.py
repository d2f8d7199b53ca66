"""Average precision with bootstrap intervals. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.pairs import Labels
from training.measure.figures.metrics import Floats

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure, and the interval with 95 % of its bootstrap samples."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """One sample: the weight of each of n pairs, and the weight of all duplicates."""

    weights: Doubles  # (n,)
    same: float
    """It includes duplicates that no search found, so these lower the figure."""


class Ranking:
    """n scored pairs, sorted once, to be weighted many times."""

    def __init__(self, labels: Labels, scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        self._right = labels[self._order].astype(np.float64)
        self._ends = np.flatnonzero(np.append(np.diff(scores[self._order]) != 0, True))

    def average_precision(self, draw: Draw) -> float:
        """Return the area under the precision-recall curve, summed in steps."""
        weights = draw.weights[self._order]
        found = np.cumsum(weights * self._right)[self._ends]
        precision = found / np.maximum(np.cumsum(weights)[self._ends], 1e-12)
        return float(np.sum(np.diff(found, prepend=0.0) * precision) / draw.same)


def all_pairs(labels: Labels, *, same: int | None = None) -> Draw:
    """Return the draw with every pair once; *same* is the number of all duplicates."""
    return Draw(weights=np.ones(len(labels)), same=float(labels.sum() if same is None else same))


def samples_of_pairs(labels: Labels, *, samples: int, seed: int) -> Iterator[Draw]:
    """Yield samples of pairs drawn with replacement, each with both labels.

    Pairs that share questions are not independent, so the intervals are a little too narrow.
    """
    choice = np.random.default_rng(seed)
    while samples:
        rows = choice.integers(0, len(labels), len(labels))
        weights = np.bincount(rows, minlength=len(labels)).astype(np.float64)
        same = float(weights @ labels)
        if 0 < same < len(labels):
            samples -= 1
            yield Draw(weights=weights, same=same)


def samples_of_questions(
    groups: NDArray[np.int64], members: NDArray[np.int64], *, samples: int, seed: int
) -> Iterator[Draw]:
    """Yield samples of questions (each drawn a Poisson number of times) with their pairs.

    *groups* is (questions,), with one number for all that are the same; *members* is (n, 2), the
    two questions of each pair.
    """
    choice = np.random.default_rng(seed)
    while samples:
        times = choice.poisson(1.0, len(groups)).astype(np.float64)
        sums, squares = (np.bincount(groups, weights=one) for one in (times, times * times))
        same = float(np.sum(sums * sums - squares) / 2)
        if same:
            samples -= 1
            yield Draw(weights=times[members[:, 0]] * times[members[:, 1]], same=same)


def intervals(
    labels: Labels, scores: Sequence[Floats], draws: Iterable[Draw], *, same: int | None = None
) -> list[Interval]:
    """Return the average precision of each of *scores*, with 95 % intervals over *draws*.

    *same* is the number of all duplicates, if some of them are not among the scored pairs.
    """
    whole, table = _figures(labels, scores, draws, same)
    return [_interval(value, table[:, place]) for place, value in enumerate(whole)]


def bootstrap(
    labels: Labels, scores: Sequence[Floats], *, samples: int, seed: int
) -> tuple[list[Interval], Interval]:
    """Return the AP of each score, and the last AP minus the first, with 95 % intervals.

    All scores use the same resampled pairs, so the difference is paired.
    """
    draws = samples_of_pairs(labels, samples=samples, seed=seed)
    whole, table = _figures(labels, scores, draws, None)
    found = [_interval(value, table[:, place]) for place, value in enumerate(whole)]
    return found, _interval(whole[-1] - whole[0], table[:, -1] - table[:, 0])


def _figures(
    labels: Labels, scores: Sequence[Floats], draws: Iterable[Draw], same: int | None
) -> tuple[list[float], Doubles]:
    """Return the figures of all pairs, and those of the samples, (samples, scores)."""
    rankings = [Ranking(labels, one) for one in scores]
    whole = all_pairs(labels, same=same)
    table = [[ranking.average_precision(draw) for ranking in rankings] for draw in draws]
    return [ranking.average_precision(whole) for ranking in rankings], np.array(table)


def _interval(value: float, drawn: Doubles) -> Interval:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value=value, low=float(low), high=float(high))
