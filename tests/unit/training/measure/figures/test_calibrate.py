import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.pairs import Labels
from training.measure.figures.bootstrap import bootstrap
from training.measure.figures.calibrate import (
    RawScores,
    calibrate,
    chance_of,
    fit_fusion,
    lean_on_cosine,
    threshold_for,
)
from training.measure.figures.metrics import (
    Floats,
    average_precision,
    calibration_error,
    recall_at_precision,
)
from worker.scoring.calibration import Rule
from worker.scoring.fusion import Fusion
from worker.scoring.traits import Traits


def scored(seed: int, *, rows: int = 400, helpful: float = 2.0) -> tuple[RawScores, Labels]:
    choice = np.random.default_rng(seed)
    labels = choice.integers(0, 2, rows)
    logits = (helpful * (labels * 2 - 1) + choice.normal(0, 2, rows)).astype(np.float32)
    cosines = np.clip(0.6 + 0.2 * labels + choice.normal(0, 0.1, rows), -1, 1).astype(np.float32)
    noise = choice.normal(0, 0.2, rows).astype(np.float32)
    return RawScores(forward=logits + noise, backward=logits - noise, cosine=cosines), labels


@settings(max_examples=30)
@given(st.integers(0, 1_000), st.sampled_from([2.0, 0.0, -2.0]))
def test_probabilities_never_fall_as_logit_or_cosine_rises(seed: int, helpful: float) -> None:
    raw, labels = scored(seed, rows=60, helpful=helpful)

    fusion = calibrate(raw, labels, bi_encoder="x").for_bi_encoder("x").fusion

    rising = np.linspace(-12, 12, 50, dtype=np.float32)
    level = np.full(50, 0.7, np.float32)
    assert np.all(np.diff(fusion.probability(rising, level)) >= 0)
    assert np.all(np.diff(fusion.probability(level, np.linspace(-1, 1, 50, dtype=np.float32))) >= 0)


def test_thresholds_keep_the_precision_they_promise() -> None:
    raw, labels = scored(1, rows=2_000)

    made = calibrate(raw, labels, bi_encoder="digest")

    found = made.for_bi_encoder("digest")
    probabilities = found.fusion.probability(raw.logit, raw.cosine)
    assert found.thresholds.keys() >= {"0.80", "0.90"}
    for name, threshold in found.thresholds.items():
        assert labels[probabilities >= threshold].mean() >= float(name)
    assert sorted(found.thresholds.values()) == list(found.thresholds.values())
    assert found.threshold == found.thresholds["0.80"]
    assert made.for_bi_encoder("another").fusion == made.logit_only


def test_where_the_logit_knows_only_of_shared_words_its_weight_follows_them() -> None:
    raw, labels = scored(7, rows=3_000)
    choice = np.random.default_rng(8)
    overlap = choice.random(3_000).astype(np.float32)
    noise = choice.normal(0, 6, 3_000).astype(np.float32) * (1 - overlap)
    blurred = RawScores(
        forward=raw.forward + noise,
        backward=raw.backward + noise,
        cosine=raw.cosine,
        traits=Traits(overlap=overlap, bodies=np.zeros(3_000, np.float32)),
    )

    fusion = calibrate(blurred, labels, bi_encoder="x").rules["x"].fusion

    plain = fit_fusion(blurred.logit, blurred.cosine, labels)
    after = fusion.probability(blurred.logit, blurred.cosine, blurred.traits)
    before = plain.probability(blurred.logit, blurred.cosine)
    assert fusion.overlap_logit > fusion.logit
    assert average_precision(labels, after) > average_precision(labels, before) + 0.003
    assert calibration_error(labels, after) < 0.05


def test_what_bodies_take_from_a_cosine_they_are_given_back() -> None:
    raw, labels = scored(9, rows=3_000)
    bodies = (np.arange(3_000) % 2).astype(np.float32)
    traits = Traits(overlap=np.full(3_000, 0.5, np.float32), bodies=bodies)
    lower = np.asarray(raw.cosine - 0.15 * bodies, np.float32)
    with_bodies = RawScores(forward=raw.forward, backward=raw.backward, cosine=lower, traits=traits)

    fusion = calibrate(with_bodies, labels, bi_encoder="x").rules["x"].fusion

    assert fusion.bodies == pytest.approx(0.15 * fusion.cosine, rel=0.3)


def test_rules_for_other_bi_encoders_stay() -> None:
    raw, labels = scored(10)
    first = calibrate(raw, labels, bi_encoder="one")

    both = calibrate(raw, labels, bi_encoder="other", known=first)

    assert set(both.rules) == {"one", "other"}
    assert both.rules["one"] == first.rules["one"]
    assert both.logit_bounds is not None
    assert both.logit_bounds[0] < raw.logit.min() < raw.logit.max() < both.logit_bounds[1]


def test_the_cosine_is_weighed_as_much_more_as_the_ranking_hardly_notices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.measure.figures.calibrate._GIVEN_FOR_LEANING", 0.002)
    raw, labels = scored(3, rows=2_000)
    fitted = fit_fusion(raw.logit, raw.cosine, labels)

    leaning = lean_on_cosine(fitted, raw, labels)

    before, after = (one.probability(raw.logit, raw.cosine) for one in (fitted, leaning))
    assert leaning.cosine / leaning.logit > 1.2 * fitted.cosine / fitted.logit
    assert average_precision(labels, after) >= average_precision(labels, before) - 0.002
    assert calibration_error(labels, after) < 0.03


def test_a_cosine_that_counts_for_nothing_is_not_leaned_on() -> None:
    raw, labels = scored(4)
    fitted = fit_fusion(raw.logit, None, labels)

    assert lean_on_cosine(fitted, raw, labels) == fitted


def test_the_floor_keeps_all_but_half_a_percent_of_the_duplicates_flagged() -> None:
    raw, labels = scored(2, rows=4_000)

    found = calibrate(raw, labels, bi_encoder="x").rules["x"]

    flagged = found.fusion.probability(raw.logit, raw.cosine) >= min(found.thresholds.values())
    assert np.mean(raw.cosine[flagged & (labels == 1)] >= found.cosine_floor) >= 0.994


def test_asymmetry_covers_99_of_a_hundred_pairs() -> None:
    raw, labels = scored(3, rows=5_000)

    found = calibrate(raw, labels, bi_encoder="x")

    covered = np.mean(np.abs(raw.forward - raw.backward) <= found.asymmetry)
    assert covered == pytest.approx(0.99, abs=0.001)


def test_calibrated_probabilities_come_true() -> None:
    raw, labels = scored(4, rows=4_000)
    fresh, fresh_labels = scored(5, rows=4_000)

    fusion = fit_fusion(raw.logit, raw.cosine, labels)

    assert calibration_error(fresh_labels, fusion.probability(fresh.logit, fresh.cosine)) < 0.03


def test_a_precision_that_is_never_reached_has_no_threshold() -> None:
    labels = np.tile([1, 0], 50)
    probabilities = np.linspace(1, 0, 100, dtype=np.float32)

    assert threshold_for(labels, probabilities, 0.98) is None
    assert threshold_for(labels, probabilities, 0.50) == pytest.approx(0.0)


def test_equal_probabilities_are_flagged_together_or_not_at_all() -> None:
    labels = np.array([1] * 30 + [0] * 30)
    probabilities = np.array([0.9] * 60, np.float32)

    assert threshold_for(labels, probabilities, 0.9) is None


def test_recall_counts_only_where_precision_holds() -> None:
    labels = np.array([1, 1, 0, 1])
    scores: Floats = np.array([0.9, 0.8, 0.7, 0.6], np.float32)

    assert recall_at_precision(labels, scores, 0.9) == pytest.approx(2 / 3)
    assert recall_at_precision(1 - labels, scores, 0.9) == 0.0


def test_bootstrap_intervals_hold_the_figure_and_see_a_clear_difference() -> None:
    raw, labels = scored(6, rows=600)
    noise: Floats = np.random.default_rng(7).normal(size=600).astype(np.float32)

    (first, second), difference = bootstrap(labels, [noise, raw.logit], samples=100, seed=8)

    assert first.low <= first.value <= first.high
    assert second.value == pytest.approx(average_precision(labels, raw.logit))
    assert difference.low > 0.1


def test_the_chance_of_a_pair_is_how_often_such_pairs_reach_the_threshold() -> None:
    choice = np.random.default_rng(3)
    cosines, overlap = choice.uniform(0, 1, (2, 3_000)).astype(np.float32)
    logits = (2 * cosines + 4 * overlap - 3 + choice.normal(0, 1, 3_000)).astype(np.float32)
    traits = Traits(overlap=overlap, bodies=np.zeros(3_000, np.float32))
    raw = RawScores(forward=logits, backward=logits, cosine=cosines, traits=traits)
    rule = Rule(fusion=Fusion(logit=1.0, cosine=1.0, overlap_logit=0.5, bias=-1.0), threshold=0.6)

    found = chance_of(raw, rule)

    assert found is not None
    assert not found.learns
    needed = rule.fusion.needed(rule.threshold, cosines, traits)
    told = found.of(needed, cosines, overlap, count=np.zeros(3_000, int), total=0 * cosines)
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        some = (told >= low) & (told <= high)
        assert (logits >= needed)[some].mean() == pytest.approx(told[some].mean(), abs=0.05)


def test_there_is_no_chance_to_tell_where_every_pair_is_flagged() -> None:
    high, half = np.full(50, 9.0, np.float32), np.full(50, 0.5, np.float32)
    raw = RawScores(
        forward=high, backward=high, cosine=half, traits=Traits(overlap=half, bodies=half)
    )

    assert chance_of(raw, Rule(fusion=Fusion(logit=1.0))) is None
