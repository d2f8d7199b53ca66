from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.fusion import Fusion
from worker.scoring.recalibration import (
    SLOPES,
    Doubles,
    Line,
    fit,
    logits,
    quality,
    try_out,
)

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=60)
DECISIONS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80)


def columns(decisions: list[tuple[float, bool]]) -> tuple[Doubles, Doubles]:
    table = np.array(decisions, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def drawn(count: int, *, slope: float, shift: float, seed: int = 3) -> tuple[Doubles, Doubles]:
    """Scores as of flagged pairs, with labels that follow another line."""
    chance = np.random.default_rng(seed)
    raw = chance.uniform(0.5, 1.0, count)
    truth = Line(slope, shift).probability(raw)
    return raw, (chance.uniform(size=count) < truth).astype(np.float64)


@given(DECISIONS, PROBABILITIES)
def test_pairs_keep_their_order_whatever_was_decided(
    decisions: list[tuple[float, bool]], scores: list[float]
) -> None:
    line = fit(*columns(decisions))
    raw = np.sort(np.array(scores))

    moved = line.probability(raw)

    assert SLOPES[0] <= line.slope <= SLOPES[1]
    assert np.all(np.diff(moved) >= 0)
    assert np.all((moved >= 0) & (moved <= 1))


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=60, unique=True), DECISIONS)
def test_pairs_that_were_told_apart_still_are(
    scores: list[float], decisions: list[tuple[float, bool]]
) -> None:
    raw = np.sort(np.array(scores))
    apart = np.diff(logits(raw)) > 1e-6

    moved = fit(*columns(decisions)).probability(raw)

    # Where the line leads far out, numbers of 8 bytes end before probabilities do.
    inside = (moved[1:] < 1 - 1e-9) & (moved[:-1] > 1e-20)
    assert np.all(np.diff(moved)[apart & inside] > 0)


def test_nothing_to_learn_leaves_everything_as_it_is() -> None:
    assert fit(np.zeros(0), np.zeros(0)) == Line()


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=60))
def test_what_came_true_as_promised_leaves_everything_as_it_is(promised: list[float]) -> None:
    raw = np.array(promised)

    line = fit(raw, raw)

    assert (line.slope, line.shift) == pytest.approx((1, 0), abs=1e-6)


@given(st.integers(1, 20), st.booleans())
def test_more_decisions_move_it_further(count: int, same: bool) -> None:
    raw, labels = np.full(count, 0.7), np.full(count, float(same))

    few, many = (fit(np.tile(raw, n), np.tile(labels, n)) for n in (1, 5))

    def moved(line: Line) -> float:
        return abs(float(line.probability(np.array([0.7]))[0]) - 0.7)

    assert 0 < moved(few) < moved(many)


@pytest.mark.parametrize(("slope", "shift"), [(1.8, -1.5), (0.6, 0.4), (1.0, -2.0)])
def test_many_decisions_find_the_line_they_follow(slope: float, shift: float) -> None:
    found = fit(*drawn(20_000, slope=slope, shift=shift))

    assert (found.slope, found.shift) == pytest.approx((slope, shift), abs=0.12)


def test_labels_that_run_against_the_score_never_turn_the_line_round() -> None:
    raw = np.linspace(0.02, 0.98, 500)

    assert fit(raw, (raw < 0.5).astype(np.float64)).slope == SLOPES[0]


def test_quality_by_hand() -> None:
    found = quality(np.array([0.9, 0.8, 0.85, 0.2]), np.array([1.0, 1.0, 0.0, 0.0]))

    # In 0.8..0.9: promised 1.65, came 1; in 0.9..1: 0.9 and 1; in 0.2..0.3: 0.2 and 0.
    assert found.calibration_error == pytest.approx((0.65 + 0.1 + 0.2) / 4)
    assert found.brier == pytest.approx((0.01 + 0.04 + 0.7225 + 0.04) / 4)


def test_a_forum_that_differs_is_told_from_one_that_does_not() -> None:
    differs = try_out(*drawn(400, slope=1.0, shift=-2.0), Line())
    agrees = [try_out(*drawn(400, slope=1.0, shift=0.0, seed=n), Line()) for n in range(40)]

    assert differs.is_better
    assert differs.after.brier < differs.before.brier
    assert sum(one.is_better for one in agrees) <= 6


def test_what_was_learnt_already_is_not_learnt_again() -> None:
    raw, labels = drawn(400, slope=1.0, shift=-2.0)

    assert not try_out(raw, labels, fit(raw, labels)).is_better


@given(st.floats(-8, 8), st.floats(0.6, 1), st.floats(0.1, 3), st.floats(-3, 3))
def test_moving_the_fusion_is_moving_the_probability(
    logit: float, cosine: float, slope: float, shift: float
) -> None:
    fusion = Fusion(logit=0.8, cosine=6.9, bias=-5.6)
    values = np.array([[logit], [cosine]], dtype=np.float32)

    raw = fusion.probability(values[0], values[1])
    moved = fusion.moved(slope, shift).probability(values[0], values[1])

    assert Line(slope, shift).probability(raw.astype(np.float64)) == pytest.approx(moved, abs=2e-4)


@given(DECISIONS)
def test_the_line_is_the_most_probable_one_under_its_prior(
    decisions: list[tuple[float, bool]],
) -> None:
    raw, labels = columns(decisions)

    line = fit(raw, labels)

    # Where labels and prior pull alike: the prior is normal around 1 and 0, with spreads 0.5 and 1.
    off = line.probability(raw) - labels
    pulls = [
        off @ logits(raw) + (line.slope - 1) / 0.5**2,
        off.sum() + line.shift,
    ]
    if line.slope in SLOPES:
        assert abs(pulls[1]) < 1e-5
    else:
        assert np.abs(pulls).max() < 1e-5


def test_labels_that_cut_at_one_score_make_the_line_no_steeper_than_its_bound() -> None:
    raw = np.linspace(0.45, 0.55, 100_000)

    line = fit(raw, (raw > 0.5).astype(np.float64))

    assert line.slope == SLOPES[1] == 10.0
    assert line.shift == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("edge", [0.1, 0.5, 0.9])
def test_quality_is_taken_over_ten_equal_ranges(edge: float) -> None:
    below, above, labels = edge - 1e-6, edge + 1e-6, np.array([1.0, 0.0])

    apart = quality(np.array([below, above]), labels).calibration_error
    within = quality(np.array([above, above]), labels).calibration_error

    assert apart == pytest.approx((1 - below + above) / 2)
    assert within == pytest.approx(abs(2 * above - 1) / 2)


def test_a_gain_is_told_with_its_standard_error() -> None:
    raw, labels = drawn(100, slope=1.0, shift=-2.0)

    found = try_out(raw, labels, Line())

    assert found.gain == pytest.approx(found.before.brier - found.after.brier)
    assert found.before == quality(raw, labels)
    assert 0 < found.doubt < found.gain
    assert not replace(found, gain=0.1, doubt=0.1).is_better
    assert not replace(found, after=found.before, gain=0.1, doubt=0.0).is_better


def test_decisions_that_do_not_follow_the_scores_are_told_from_those_that_do() -> None:
    raw, _ = drawn(80, slope=1.0, shift=0.0)
    chance = np.random.default_rng(8)
    blind = [(chance.uniform(size=80) < 0.4).astype(np.float64) for _ in range(200)]

    follows = [try_out(*drawn(200, slope=1.0, shift=-1.0, seed=n), Line()) for n in range(20)]
    taken = sum(try_out(raw, labels, Line()).is_ordered for labels in blind)

    assert all(one.is_ordered for one in follows)
    assert taken / 200 < 0.1  # chance alone: one in twenty


def test_the_order_by_hand() -> None:
    raw = np.array([0.9, 0.7, 0.7, 0.6, 0.8])

    found = try_out(raw, np.array([1.0, 1.0, 0.0, 0.0, 0.0]), Line())

    # 0.9 is above all three; 0.7 is above 0.6, and as high as the other 0.7.
    assert found.order == pytest.approx((3 + 1.5) / 6)
    assert found.order_doubt == pytest.approx((6 / (12 * 2 * 3)) ** 0.5)


def test_hints_move_the_line_a_little_and_no_more_however_many_they_are() -> None:
    raw, labels = drawn(200, slope=1.0, shift=0.0)
    plain = fit(raw, labels)

    few = fit(raw, labels, hints=np.full(5, 0.9))
    many = fit(raw, labels, hints=np.full(5_000, 0.9))
    more = fit(raw, labels, hints=np.full(50_000, 0.9))

    at = np.array([0.9])
    chances = [float(line.probability(at)[0]) for line in (plain, few, many, more)]
    assert chances[0] > chances[1] > chances[2] == pytest.approx(chances[3], abs=1e-6)
    assert chances[0] - chances[3] < 0.15
    assert fit(raw, labels, hints=np.zeros(0)) == plain


@given(st.floats(0.01, 0.99), st.floats(0.2, 5.0), st.floats(-3.0, 3.0))
def test_the_models_own_probability_comes_back(own: float, slope: float, shift: float) -> None:
    line = Line(slope, shift)

    moved = float(line.probability(np.array([own]))[0])
    assert line.undo(moved) == pytest.approx(own, abs=1e-3)
