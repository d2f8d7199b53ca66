import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from worker.scoring.bounds import (
    Looked,
    anytime_bound,
    anytime_test,
    exact_bound,
    exact_test,
    lowest_certified,
)

COUNTS = st.integers(0, 300)
SHARES = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("wrong", "needed"), [(0, 59), (1, 93), (2, 124)])
def test_so_many_looks_certify_a_precision_of_95_percent(wrong: int, needed: int) -> None:
    enough, too_few = needed - wrong, needed - wrong - 1

    assert exact_test(enough, wrong, 0.95) <= 0.05 < exact_test(too_few, wrong, 0.95)
    assert exact_bound(Looked(enough, wrong)) >= 0.95 > exact_bound(Looked(too_few, wrong))


@given(right=COUNTS, wrong=COUNTS)
def test_who_may_stop_at_any_moment_is_promised_less(right: int, wrong: int) -> None:
    looked = Looked(right, wrong)

    share = right / looked.count if looked.count else 0.0
    assert 0.0 <= anytime_bound(looked) <= exact_bound(looked) + 1e-9
    assert exact_bound(looked) <= max(share, 1e-9)


@given(right=COUNTS, wrong=COUNTS)
def test_a_right_flag_more_never_lowers_a_bound_and_a_wrong_one_never_lifts_it(
    right: int, wrong: int
) -> None:
    for bound in (exact_bound, anytime_bound):
        here = bound(Looked(right, wrong))

        assert bound(Looked(right + 1, wrong)) >= here - 1e-9
        assert bound(Looked(right, wrong + 1)) <= here + 1e-9


@given(right=COUNTS, wrong=COUNTS, precision=SHARES)
def test_bound_and_test_say_the_same(right: int, wrong: int, precision: float) -> None:
    looked = Looked(right, wrong)

    for bound, test in ((exact_bound, exact_test), (anytime_bound, anytime_test)):
        if abs(bound(looked) - precision) > 1e-6:
            assert (bound(looked) > precision) == (test(right, wrong, precision) <= 0.05)


@given(precision=SHARES, right=COUNTS, wrong=COUNTS)
def test_one_look_more_is_worth_nothing_on_average_where_the_precision_is_no_better(
    precision: float, right: int, wrong: int
) -> None:
    """The e-value is a martingale where the precision is just what is doubted."""
    looks = ((right, wrong), (right + 1, wrong), (right, wrong + 1))
    tests = [anytime_test(*one, precision) for one in looks]
    assume(min(tests) > 1e-290)  # what is smaller has no inverse
    now, if_right, if_wrong = (1 / one for one in tests)

    if min(now, if_right, if_wrong) > 1:  # below 1 it is not told apart
        mean = precision * if_right + (1 - precision) * if_wrong
        assert mean == pytest.approx(now, rel=1e-6)


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95])
def test_who_stops_when_it_looks_best_is_wrong_no_more_often_than_promised(
    precision: float,
) -> None:
    looks = np.random.default_rng(3).random((300, 200)) < precision
    rights = looks.cumsum(axis=1)

    fooled = {"anytime": 0, "exact": 0}
    for right in rights:
        counts = [(int(n), place + 1 - int(n)) for place, n in enumerate(right)][4::5]
        fooled["anytime"] += any(anytime_test(*count, precision) <= 0.05 for count in counts)
        fooled["exact"] += any(exact_test(*count, precision) <= 0.05 for count in counts)

    assert fooled["anytime"] <= 300 * 0.05
    assert fooled["exact"] > 300 * 0.08


def test_nothing_looked_at_promises_nothing() -> None:
    assert exact_bound(Looked(0, 0)) == anytime_bound(Looked(0, 9)) == 0.0
    assert exact_test(0, 0, 0.9) == anytime_test(0, 0, 0.9) == 1.0
    assert (anytime_test(5, 0, 0.0), anytime_test(5, 5, 1.0)) == (0.0, 1.0)


def test_the_lowest_threshold_that_every_higher_one_leads_to_is_certified() -> None:
    thresholds = [0.5, 0.6, 0.7, 0.8, 0.9]
    looked = [Looked(900, 1), Looked(300, 60), Looked(200, 1), Looked(120, 0), Looked(20, 1)]

    assert lowest_certified(thresholds, looked, precision=0.95) == 0.7
    assert lowest_certified(thresholds, looked, precision=0.95, test=exact_test) == 0.7
    assert lowest_certified(thresholds[:2], looked[1:3], precision=0.999) is None
    assert lowest_certified([0.9], [Looked(59, 0)], precision=0.95) is None
    assert lowest_certified([0.9], [Looked(59, 0)], precision=0.95, test=exact_test) == 0.9
