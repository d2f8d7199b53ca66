from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.review.insight import Judged
from db.tenants.rows import CalibrationRow
from worker.scoring.bounds import anytime_test
from worker.scoring.proof import certified, rescale, wilson
from worker.scoring.recalibration import Line


def judged(*bands: tuple[float, int, int]) -> list[Judged]:
    """Return judged pairs: a score, how many were right with it, and how many wrong."""
    return [
        Judged(pair_id=1, score=score, is_duplicate=is_right)
        for score, right, wrong in bands
        for is_right in [True] * right + [False] * wrong
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (judged((0.9, 87, 0)), None),
        (judged((0.9, 88, 0)), 0.9),
        (judged((0.9, 100, 0), (0.8, 50, 0)), 0.8),
        (judged((0.9, 100, 0), (0.8, 50, 20)), 0.9),
        (judged((0.9, 100, 0), (0.8, 50, 20), (0.7, 2_000, 0)), 0.9),  # not across what is not good
        ([], None),
    ],
)
def test_a_score_is_certified_as_far_down_as_every_step_is_proved(
    found: list[Judged], expected: float | None
) -> None:
    assert certified(found, 0.95) == expected


def test_many_scores_are_tried_in_steps() -> None:
    found = [Judged(pair_id=n, score=1 - n / 5_000, is_duplicate=True) for n in range(4_000)]

    lowest = certified(found, 0.95)

    assert lowest is not None
    assert lowest == pytest.approx(1 - 3_999 / 5_000, abs=0.02)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_the_share_and_stays_between_nought_and_one(
    right: int, wrong: int
) -> None:
    low, high = wilson(right, right + wrong)

    assert 0.0 <= low <= high <= 1.0
    if right + wrong:
        assert low - 1e-12 <= right / (right + wrong) <= high + 1e-12
        turned = wilson(wrong, right + wrong)
        assert turned == pytest.approx((1 - high, 1 - low))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 9))
def test_more_of_the_same_narrows_an_interval(right: int, wrong: int, times: int) -> None:
    few, many = wilson(right, right + wrong), wilson(times * right, times * (right + wrong))

    assert few[0] < many[0]
    assert many[1] < few[1]


@pytest.mark.parametrize(
    ("right", "judged_", "interval"),
    [
        (0, 0, (0.0, 1.0)),
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (8, 10, (0.4902, 0.9433)),
        (95, 100, (0.8882, 0.9785)),
    ],
)
def test_intervals_are_those_of_the_tables(
    right: int, judged_: int, interval: tuple[float, float]
) -> None:
    assert wilson(right, judged_) == pytest.approx(interval, abs=1e-4)


def decided(score: float, *, raw: float | None, models: tuple[int, int] = (2, 1)) -> Judged:
    return Judged(pair_id=1, score=score, is_duplicate=True, raw_score=raw, model_ids=models)


def calibration(slope: float, shift: float) -> CalibrationRow:
    return CalibrationRow(
        id=1,
        actor="ana",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        ended_at=None,
        ended_by=None,
        reranker_id=2,
        bi_encoder_id=1,
        slope=slope,
        shift=shift,
        duplicates=20,
        others=20,
        lowest=0.5,
        error_before=0.1,
        error_after=0.05,
        brier_before=0.2,
        brier_after=0.1,
    )


def test_without_a_calibration_a_pair_has_the_models_own_score() -> None:
    found = rescale([decided(0.9, raw=0.4), decided(0.7, raw=None)], None)

    assert [one.score for one in found] == [0.4, 0.7]


@given(st.lists(st.floats(0.01, 0.99), max_size=9), st.floats(0.2, 5), st.floats(-3, 3))
def test_scores_are_put_on_the_present_scale_and_keep_their_order(
    raws: list[float], slope: float, shift: float
) -> None:
    found = rescale([decided(0.5, raw=raw) for raw in sorted(raws)], calibration(slope, shift))

    scores = [one.score for one in found]
    assert scores == sorted(scores)
    assert scores == pytest.approx(Line(slope, shift).probability(np.array(sorted(raws))).tolist())


def test_scores_of_other_models_stay_on_their_own_scale() -> None:
    found = rescale(
        [decided(0.9, raw=0.4, models=(9, 1)), decided(0.9, raw=0.4, models=(2, 1))],
        calibration(1.0, 2.0),
    )

    assert found[0].score == 0.4
    assert found[1].score == pytest.approx(float(Line(1.0, 2.0).probability(np.array([0.4]))[0]))


@given(
    st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9]), st.booleans()), max_size=200),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_what_is_certified_is_a_score_of_these_that_its_own_test_passes(
    pairs: list[tuple[float, bool]], precision: float
) -> None:
    found = [Judged(pair_id=1, score=score, is_duplicate=right) for score, right in pairs]

    lowest = certified(found, precision)

    if lowest is not None:
        over = [right for score, right in pairs if score >= lowest]
        assert lowest in {score for score, _ in pairs}
        assert anytime_test(sum(over), len(over) - sum(over), precision) <= 0.05
        assert sum(over) / len(over) >= precision
