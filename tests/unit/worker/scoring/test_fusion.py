"""The fusion of cosine and logit: monotone, moved and moved back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.fusion import Fusion, unmoved
from worker.scoring.traits import Traits

LOGITS = st.floats(-20, 20, width=32)
COSINES = st.floats(-1, 1, width=32)
OVERLAPS = BODIES = st.floats(0, 1, width=32)
WEIGHTS = st.floats(0, 5, width=32)
FUSIONS = st.builds(
    Fusion,
    logit=WEIGHTS,
    cosine=WEIGHTS,
    bias=st.floats(-5, 5, width=32),
    overlap_logit=WEIGHTS,
    bodies=WEIGHTS,
)


def probability(
    fusion: Fusion, logit: float, cosine: float, overlap: float = 0.5, bodies: float = 0.0
) -> float:
    values = np.array([[logit], [cosine], [overlap], [bodies]], dtype=np.float32)
    traits = Traits(overlap=values[2], bodies=values[3])
    return float(fusion.probability(values[0], values[1], traits)[0])


@given(FUSIONS, st.tuples(LOGITS, LOGITS), st.tuples(COSINES, COSINES), st.tuples(OVERLAPS, BODIES))
def test_a_probability_rises_with_the_logit_and_with_the_cosine(
    fusion: Fusion,
    logits: tuple[float, float],
    cosines: tuple[float, float],
    traits: tuple[float, float],
) -> None:
    (low, high), (far, near) = sorted(logits), sorted(cosines)

    least, most = (probability(fusion, *one, *traits) for one in ((low, far), (high, near)))

    assert 0 <= least <= probability(fusion, low, near, *traits) <= most <= 1
    assert least <= probability(fusion, high, far, *traits) <= most


@given(FUSIONS, LOGITS, COSINES, st.tuples(BODIES, BODIES))
def test_a_probability_rises_with_the_bodies_that_both_show(
    fusion: Fusion, logit: float, cosine: float, bodies: tuple[float, float]
) -> None:
    short, long = (probability(fusion, logit, cosine, 0.5, one) for one in sorted(bodies))

    assert short <= long


@given(FUSIONS, LOGITS, COSINES, st.tuples(COSINES, COSINES), st.floats(0, 9, width=32))
def test_a_probability_falls_where_the_forum_is_denser(
    fusion: Fusion, logit: float, cosine: float, densities: tuple[float, float], weight: float
) -> None:
    fusion = replace(fusion, density=weight)
    same = np.full(3, 0.5, np.float32)
    traits = Traits(
        overlap=same, bodies=same, density=np.array([*sorted(densities), 0], np.float32)
    )
    unknown = replace(traits, density=None)
    given_ = np.full(3, logit, np.float32), np.full(3, cosine, np.float32)

    sparse, dense, usual = fusion.probability(*given_, traits)

    assert dense <= sparse
    assert usual == fusion.probability(*given_, unknown)[0]


@given(LOGITS, COSINES, BODIES)
def test_bodies_shift_a_score_by_their_weight(logit: float, cosine: float, bodies: float) -> None:
    fusion = Fusion(logit=0.25, cosine=2.0, bias=-1.0, bodies=0.75)

    found = probability(fusion, logit, cosine, 0.0, bodies)

    raw = -1.0 + 2.0 * cosine + 0.25 * logit + 0.75 * bodies
    assert found == pytest.approx(1 / (1 + np.exp(-raw)), abs=1e-5)


@given(LOGITS, COSINES, OVERLAPS)
def test_the_logit_counts_as_much_as_the_titles_overlap(
    logit: float, cosine: float, overlap: float
) -> None:
    fusion = Fusion(logit=0.25, cosine=2.0, bias=-1.0, overlap_logit=0.5)

    found = probability(fusion, logit, cosine, overlap)

    raw = -1.0 + 2.0 * cosine + 0.25 * logit + 0.5 * overlap * logit
    assert found == pytest.approx(1 / (1 + np.exp(-raw)), abs=1e-5)


@given(LOGITS, COSINES)
def test_without_words_in_common_a_fusion_of_overlap_alone_is_the_cosine(
    logit: float, cosine: float
) -> None:
    fusion = Fusion(logit=0.0, cosine=2.0, overlap_logit=3.0)

    assert probability(fusion, logit, cosine, 0.0) == probability(fusion, 0.0, cosine, 0.0)


@pytest.mark.parametrize("name", ["overlap_logit", "bodies"])
def test_a_fusion_of_traits_refuses_to_guess_them(name: str) -> None:
    fusion, known = Fusion(**{name: 0.1}), np.zeros(1, np.float32)

    assert fusion.needs_traits
    with pytest.raises(ValueError, match="traits"):
        fusion.probability(known, known)


def test_a_fusion_of_the_two_scores_needs_no_traits() -> None:
    known = np.zeros(1, np.float32)

    assert not Fusion(cosine=1.0).needs_traits
    assert Fusion(cosine=1.0).probability(known, known).tolist() == [0.5]


@pytest.mark.parametrize("name", ["logit", "cosine", "overlap_logit", "bodies"])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_fusion_that_would_not_be_monotone_is_refused(name: str, weight: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        Fusion(**{name: weight})


@given(
    FUSIONS,
    st.tuples(LOGITS, COSINES, OVERLAPS, BODIES),
    st.tuples(st.floats(0.3, 3.0), st.floats(-3, 3)),
)
def test_a_moved_fusion_moves_its_logits_along_the_line(
    fusion: Fusion, known: tuple[float, float, float, float], line: tuple[float, float]
) -> None:
    (logit, cosine, overlap, bodies), (slope, shift) = known, line
    weight = fusion.logit + fusion.overlap_logit * overlap
    raw = weight * logit + fusion.cosine * cosine + fusion.bodies * bodies + fusion.bias

    found = probability(fusion.moved(slope, shift), *known)

    assert found == pytest.approx(
        1 / (1 + np.exp(-np.clip(slope * raw + shift, -60, 60))), abs=1e-4
    )


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_what_is_sure_stays_sure(end: float) -> None:
    assert unmoved(end, slope=2.0, shift=1.0) == end


@given(st.floats(0.01, 0.99), st.floats(0.3, 3.0), st.floats(-3.0, 3.0))
def test_a_moved_probability_is_moved_back(raw: float, slope: float, shift: float) -> None:
    logit = np.log(raw / (1 - raw))
    moved = 1 / (1 + np.exp(-(slope * logit + shift)))

    assert unmoved(float(moved), slope=slope, shift=shift) == pytest.approx(raw, abs=1e-9)


@given(FUSIONS, LOGITS, COSINES, st.floats(0, 1, width=32))
def test_of_a_script_that_is_not_known_a_share_of_the_logit_counts(
    fusion: Fusion, logit: float, cosine: float, share: float
) -> None:
    given_ = np.full(2, logit, np.float32), np.full(2, cosine, np.float32)
    half = np.full(2, 0.5, np.float32)
    known = Traits(overlap=half, bodies=half)
    mixed = replace(known, unknown_script=np.array([True, False]))

    found = replace(fusion, unknown_script=share).probability(*given_, mixed)

    less = replace(fusion, logit=fusion.logit * share, overlap_logit=fusion.overlap_logit * share)
    assert found[0] == pytest.approx(less.probability(*given_, known)[0], abs=1e-5)
    assert found[1] == fusion.probability(*given_, known)[1]
    assert fusion.probability(*given_, mixed)[0] == found[1]
