"""Bounds of the precision that can be promised from pairs that people looked at. Pure.

There are two bounds for the share of right flags among all flags. Both assume that the flags that
people looked at were drawn at random. The *exact* one (Clopper and Pearson, 1934) is valid if the
number of looks was fixed before. If people continue to look and may stop when they like the figure,
only an *anytime-valid* bound is valid at every moment. It comes from an e-process (Ramdas et al.,
"Game-theoretic statistics and safe anytime-valid inference", 2023): the mixture of the likelihood
ratios of all larger shares. Many thresholds are tested from the highest down, until the first one
fails (fixed sequence testing: Angelopoulos et al., "Learn then Test", 2021). So the tests need no
correction for their number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

RISK = 0.05
"""The highest probability with which a promise may be wrong."""
_STEPS = 60
_NEVER = 0.0
_NEGLIGIBLE = 1e-17

Test = Callable[[int, int, float], float]
"""Takes right flags, wrong flags and a precision; returns the probability of a sample at least as
good if the true precision is no higher.
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """How many flags people looked at, and how many of these were right."""

    right: int
    wrong: int

    @property
    def count(self) -> int:
        """Return how many were looked at."""
        return self.right + self.wrong


def exact_bound(looked: Looked, *, risk: float = RISK) -> float:
    """Return the lower bound of the precision at the level *risk*; 0 without any right flag.

    It is valid if the number of looks was fixed before the first.
    """
    return _bound(looked, exact_test, risk=risk)


def anytime_bound(looked: Looked, *, risk: float = RISK) -> float:
    """Return the bound that is also valid if the number of looks was chosen while looking."""
    return _bound(looked, anytime_test, risk=risk)


def _bound(looked: Looked, test: Test, *, risk: float) -> float:
    """Return the highest precision that *test* still refutes, by bisection."""
    if looked.right == 0:
        return _NEVER
    low, high = _NEVER, looked.right / looked.count
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if test(looked.right, looked.wrong, middle) <= risk:
            low = middle
        else:
            high = middle
    return low


def exact_test(right: int, wrong: int, precision: float) -> float:
    """Return the probability of so few wrong flags if the precision is at most *precision*.

    For a precision of 0.95 it is below 0.05 from 59 flags on with none wrong, from 93 on with one
    wrong, and from 124 on with two wrong.
    """
    if right == 0 or precision >= 1:
        return 1.0
    return exp(_log_at_most(wrong, right + wrong, 1 - precision)) if precision > 0 else 0.0


def anytime_test(right: int, wrong: int, precision: float) -> float:
    """Return a probability that is valid whenever somebody looks: 1 / e-value, at most 1."""
    if not 0 < precision < 1:
        return 1.0 if precision else 0.0
    beta = lgamma(right + 1) + lgamma(wrong + 1) - lgamma(right + wrong + 2)
    gain = beta + _log_at_most(right, right + wrong + 1, precision) - log1p(-precision)
    gain -= right * log(precision) + wrong * log1p(-precision)
    return 1.0 if gain <= 0 else exp(-gain)


def _log_at_most(count: int, draws: int, share: float) -> float:
    """Return the log probability of at most *count* successes in *draws*, with probability *share*.

    The terms are added from the largest to the smallest. The binomial sum is the incomplete beta
    function of whole numbers, so no library is needed for it.
    """
    if count == draws:
        return 0.0
    if count > draws * share:
        return log1p(-exp(_log_at_most(draws - count - 1, draws, 1 - share)))
    largest = lgamma(draws + 1) - lgamma(count + 1) - lgamma(draws - count + 1)
    largest += count * log(share) + (draws - count) * log1p(-share)
    term, total, odds = 1.0, 1.0, (1 - share) / share
    while term > _NEGLIGIBLE * total:
        term *= count / (draws - count + 1) * odds
        count -= 1
        total += term
    return largest + log(total)


def lowest_certified(
    thresholds: Sequence[float],
    looked: Sequence[Looked],
    *,
    precision: float,
    risk: float = RISK,
    test: Test = anytime_test,
) -> float | None:
    """Return the lowest of *thresholds* whose flags have at least *precision*, None if none has.

    *looked* counts, for each threshold, the looks at pairs at or above it. With probability *risk*
    at most, one of the thresholds that pass has a lower precision.
    """
    found = None
    for threshold, seen in sorted(zip(thresholds, looked, strict=True), key=_highest_first):
        if test(seen.count, 0, precision) > risk:
            continue  # too few to pass with any decisions, so not tested
        if test(seen.right, seen.wrong, precision) > risk:
            break
        found = threshold
    return found


def _highest_first(one: tuple[float, Looked]) -> float:
    return -one[0]
