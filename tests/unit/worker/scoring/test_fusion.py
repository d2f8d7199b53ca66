from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UnreadableModelError
from worker.scoring.fusion import CALIBRATION_FILE, Calibration, Fusion, best_case

LOGITS = st.floats(-20, 20, width=32)
COSINES = st.floats(-1, 1, width=32)


def probability(fusion: Fusion, logit: float, cosine: float) -> float:
    values = np.array([[logit], [cosine]], dtype=np.float32)
    return float(fusion.probability(values[0], values[1])[0])


@given(LOGITS, LOGITS, COSINES)
def test_a_higher_logit_never_means_a_lower_probability(
    one: float, other: float, cosine: float
) -> None:
    fusion = Fusion(logit=1.3, cosine=4.0, bias=-2.0)

    low, high = sorted((one, other))

    assert 0 <= probability(fusion, low, cosine) <= probability(fusion, high, cosine) <= 1


@given(
    st.floats(0, 5, width=32),
    st.floats(0, 5, width=32),
    st.floats(-5, 5, width=32),
    LOGITS,
    st.tuples(COSINES, COSINES),
)
def test_a_higher_cosine_never_means_a_lower_probability(
    weight: float, other: float, bias: float, logit: float, cosines: tuple[float, float]
) -> None:
    fusion = Fusion(logit=other, cosine=weight, bias=bias)

    low, high = sorted(cosines)

    assert probability(fusion, logit, low) <= probability(fusion, logit, high)


@given(LOGITS, COSINES)
def test_the_best_case_is_never_below_the_score_itself(logit: float, cosine: float) -> None:
    calibration = Calibration(asymmetry=2.0)
    logits, cosines = np.array([[logit], [cosine]], dtype=np.float32)

    best = best_case(calibration, calibration.fusion, logits, cosines)

    assert best[0] >= probability(calibration.fusion, logit, cosine)


def test_the_cosine_counts_only_for_the_bi_encoder_it_was_fitted_on() -> None:
    calibration = Calibration(
        bi_encoder="abc", fusion=Fusion(cosine=3.0), logit_only=Fusion(bias=-1.0)
    )

    assert calibration.for_bi_encoder("abc") == calibration.fusion
    assert calibration.for_bi_encoder("other") == calibration.logit_only


def test_a_calibration_survives_its_file(tmp_path: Path) -> None:
    saved = Calibration(bi_encoder="abc", thresholds={"0.95": 0.9}, fusion=Fusion(cosine=2.0))

    saved.save(tmp_path)

    assert Calibration.load(tmp_path) == saved


def test_a_model_without_a_calibration_gets_the_neutral_one(tmp_path: Path) -> None:
    assert Calibration.load(tmp_path) == Calibration()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"fusion": 3, "logit_only": {}}', "\x00"])
def test_a_broken_calibration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / CALIBRATION_FILE).write_text(content)

    with pytest.raises(UnreadableModelError, match=r"calibration\.json"):
        Calibration.load(tmp_path)
