"""What is saved beside a CrossEncoder: by bi-encoder, read as it was written, bounded."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UnreadableModelError
from worker.scoring.calibration import (
    CALIBRATION_FILE,
    Calibration,
    Rule,
    best_case,
    unread,
    worst_case,
    worth_reading,
)
from worker.scoring.chance import Chance
from worker.scoring.fusion import Floats, Fusion
from worker.scoring.traits import Traits
from worker.text.normal import Reads

MINI = Rule(
    fusion=Fusion(logit=0.0, cosine=8.0, bias=-6.0, overlap_logit=0.8, bodies=0.7),
    threshold=0.6,
    thresholds={"0.90": 0.8, "0.80": 0.55},
    cosine_floor=0.55,
    chance=Chance(known=(-4.0, -1.0, 2.0, *[0.5] * 7), answers=(0.1, 0.2, 0.3, 0.4, 0.5)),
)
LARGE = Rule(fusion=Fusion(logit=0.1, cosine=9.0, bias=-7.0), threshold=0.7, cosine_floor=0.4)
WHOLE = Calibration(
    rules={"mini": MINI, "large": LARGE}, reads=Reads.TITLE, logit_bounds=(-9.0, 9.0)
)
ARRAYS = st.lists(
    st.tuples(
        st.floats(-9, 9, width=32),
        st.floats(-1, 1, width=32),
        st.floats(0, 1, width=32),
        st.floats(0, 1, width=32),
    ),
    min_size=1,
    max_size=20,
).map(lambda rows: np.array(rows, dtype=np.float32).T)


def test_the_cosine_counts_only_for_the_bi_encoder_it_was_fitted_on() -> None:
    calibration = Calibration(
        bi_encoder="abc",
        fusion=Fusion(cosine=3.0),
        logit_only=Fusion(bias=-1.0),
        threshold=0.4,
        thresholds={"0.95": 0.9},
        cosine_floor=0.3,
    )

    ours, other = (calibration.for_bi_encoder(name) for name in ("abc", "other"))

    assert (ours.fusion, other.fusion) == (calibration.fusion, calibration.logit_only)
    for rule in (ours, other):
        assert (rule.threshold, rule.thresholds, rule.cosine_floor) == (0.4, {"0.95": 0.9}, 0.3)


def test_each_bi_encoder_has_its_own_rule() -> None:
    assert WHOLE.for_bi_encoder("mini") == MINI
    assert WHOLE.for_bi_encoder("large") == LARGE
    assert WHOLE.for_bi_encoder("another").fusion == WHOLE.logit_only


def test_the_lowest_threshold_is_the_lowest_that_is_offered() -> None:
    assert MINI.lowest_threshold == 0.55
    assert LARGE.lowest_threshold == 0.7


def test_the_floor_falls_with_thresholds_below_the_one_that_it_was_fitted_for() -> None:
    rule = replace(LARGE, threshold=0.5, thresholds={"0.90": 0.8})

    assert [rule.floor(one) for one in (0.95, 0.5)] == [0.4, 0.4]
    # A pair at the floor that reaches 0.5 exactly: one with 0.0451 less cosine reaches 0.4.
    assert rule.floor(0.4) == pytest.approx(0.4 - math.log(0.6 / 0.4) / 9)
    assert rule.floor(0.3) == rule.floor(0.01) == pytest.approx(0.4 - math.log(0.7 / 0.3) / 9)
    assert replace(rule, fusion=Fusion()).floor(0.3) == 0.4  # the cosine does not count
    assert replace(rule, fusion=Fusion(cosine=0.1)).floor(0.3) == pytest.approx(0.2)


@given(
    st.sampled_from([MINI, LARGE]),
    st.floats(-1, 1, width=32),
    st.floats(0.01, 1).filter(lambda one: not 0.29 < one < 0.31),
)
def test_a_pair_reaches_the_floors_of_thresholds_up_to_one(
    rule: Rule, cosine: float, threshold: float
) -> None:
    (reach,) = rule.reach(np.array([cosine], np.float32))

    if abs(cosine - rule.floor(threshold)) > 1e-5:
        assert (threshold <= reach) == (cosine >= rule.floor(threshold))


@pytest.mark.parametrize(
    "saved",
    [
        WHOLE,
        Calibration(),
        Calibration(bi_encoder="abc", thresholds={"0.95": 0.9}, fusion=Fusion(cosine=2.0)),
    ],
)
def test_a_calibration_survives_its_file(tmp_path: Path, saved: Calibration) -> None:
    saved.save(tmp_path)

    assert Calibration.load(tmp_path) == saved


def test_a_file_from_before_is_read_as_it_was_meant(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(
        '{"asymmetry": 1.4, "bi_encoder": "abc", "cosine_floor": 0.6, "threshold": 0.5,'
        ' "fusion": {"bias": -3.5, "cosine": 4.9, "logit": 0.7}, "thresholds": {"0.80": 0.5},'
        ' "logit_only": {"bias": 0.5, "cosine": 0.0, "logit": 1.0}}'
    )

    found = Calibration.load(tmp_path)

    assert (found.reads, found.logit_bounds, found.rules) == (Reads.WHOLE, None, {})
    assert found.for_bi_encoder("abc").fusion == Fusion(logit=0.7, cosine=4.9, bias=-3.5)


def test_a_file_of_rules_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(
        '{"logit_only": {}, "reads": "title", "logit_bounds": [-9, 8],'
        ' "rules": {"mini": {"fusion": {"cosine": 8.0, "logit": 0.0, "overlap_logit": 0.8}}}}'
    )

    found = Calibration.load(tmp_path)

    assert found.logit_bounds == (-9.0, 8.0)
    assert found.reads is Reads.TITLE
    assert found.for_bi_encoder("mini").fusion.overlap_logit == 0.8
    assert found.for_bi_encoder("mini").threshold == 0.5


def test_a_model_without_a_calibration_gets_the_neutral_one(tmp_path: Path) -> None:
    assert Calibration.load(tmp_path) == Calibration()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "\x00",
        '{"fusion": 3, "logit_only": {}}',
        '{"logit_only": {}, "rules": {"mini": {}}}',
        '{"logit_only": {}, "rules": ["mini"]}',
        '{"logit_only": {}, "reads": "body"}',
        '{"logit_only": {}, "logit_bounds": 9}',
        '{"logit_only": {}, "logit_bounds": [9, -9]}',
        '{"logit_only": {}, "logit_bounds": [9, 9]}',
        '{"logit_only": {"cosine": -1.0}}',
        '{"logit_only": {"cosine": "much"}}',
        '{"logit_only": {}, "colour": 1}',
    ],
)
def test_a_broken_calibration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(content)

    with pytest.raises(UnreadableModelError, match=r"calibration\.json"):
        Calibration.load(tmp_path)


def test_what_is_stored_of_a_calibration_is_plain_json() -> None:
    held = json.loads(json.dumps(WHOLE.as_dict()))

    assert held["rules"]["mini"]["fusion"]["overlap_logit"] == 0.8
    assert held["rules"]["mini"]["fusion"]["bodies"] == 0.7
    assert (held["reads"], held["logit_bounds"]) == ("title", [-9.0, 9.0])


@given(ARRAYS)
def test_the_other_order_cannot_lead_out_of_the_two_cases(known: Floats) -> None:
    calibration = Calibration(asymmetry=2.0)
    logits, cosines, traits = known[0], known[1], Traits(overlap=known[2], bodies=known[3])
    cases = [
        case(calibration, MINI.fusion, logits, cosines, traits) for case in (worst_case, best_case)
    ]

    for other in (-2.0, 0.0, 2.0):
        mean = MINI.fusion.probability(logits + np.float32(other / 2), cosines, traits)
        assert (cases[0] <= mean).all()
        assert (mean <= cases[1]).all()


@given(ARRAYS, st.floats(0.05, 0.95))
def test_no_pair_that_is_not_read_could_have_been_flagged_by_its_logit(
    known: Floats, threshold: float
) -> None:
    logits, cosines, traits = known[0], known[1], Traits(overlap=known[2], bodies=known[3])
    without = unread(WHOLE, len(logits))

    read = worth_reading(WHOLE, MINI.fusion, cosines, traits, threshold=threshold)

    answered = MINI.fusion.probability(logits, cosines, traits) >= threshold
    assumed = MINI.fusion.probability(without, cosines, traits) >= threshold
    np.testing.assert_array_equal(answered[~read], assumed[~read])
    assert not read[traits.overlap == 0].any()


def test_without_bounds_every_pair_is_read_whose_logit_counts() -> None:
    cosines = np.zeros(3, np.float32)
    traits = Traits(overlap=np.array([0.0, 0.1, 1.0], np.float32), bodies=cosines)
    unbounded = Calibration()

    by_overlap = worth_reading(unbounded, MINI.fusion, cosines, traits, threshold=0.99)
    by_logit = worth_reading(unbounded, Fusion(), cosines, threshold=0.99)
    by_cosine = worth_reading(unbounded, Fusion(logit=0.0), cosines, threshold=0.0)

    assert by_overlap.tolist() == [False, True, True]
    assert by_logit.all()
    assert not by_cosine.any()


@pytest.mark.parametrize(
    ("bounds", "stands_for"),
    [(None, 0.0), ((-9.0, 9.0), 0.0), ((1.0, 5.0), 1.0), ((-5.0, -1.0), -1.0)],
)
def test_a_pair_that_is_not_read_has_the_plainest_logit_there_is(
    bounds: tuple[float, float] | None, stands_for: float
) -> None:
    assert unread(Calibration(logit_bounds=bounds), 2).tolist() == [stands_for, stands_for]


def test_the_two_cases_are_half_of_the_asymmetry_away() -> None:
    calibration = Calibration(asymmetry=3.0)
    logits, cosines = np.array([0.5], np.float32), np.zeros(1, np.float32)

    cases = [case(calibration, Fusion(), logits, cosines) for case in (worst_case, best_case)]

    wanted = [1 / (1 + np.exp(1.0)), 1 / (1 + np.exp(-2.0))]
    assert [float(case[0]) for case in cases] == pytest.approx(wanted, abs=1e-6)


def test_only_a_pair_that_its_kindest_answer_lifts_to_the_threshold_is_read() -> None:
    fusion = Fusion(logit=0.5, cosine=4.0, bias=-4.0)
    bounded = Calibration(logit_bounds=(-2.0, 2.0))
    cosines = np.array([0.0, 0.7, 0.75, 0.9], np.float32)  # kindest: -3, -0.2, 0, 0.6

    read = worth_reading(bounded, fusion, cosines, threshold=0.5)

    assert read.tolist() == [False, False, True, True]
