from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.errors import InvalidInputError, UnreadableModelError
from training.gate import KEPT, LOWER, Scored, fit_gate, lowest_threshold, scored_pairs
from worker.archives.searching.blocks import BlockSearch, all_near
from worker.archives.searching.mining import Miner
from worker.inference.testing import WordEncoder, WordReranker
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion, unmoved
from worker.scoring.gate import GATE_FILE, Gate, gate_scores, load_gates

DIMENSION, HIDDEN = 16, 5
TITLES = [
    f"how do i {verb} the {kind} {thing}"
    for verb in ("bake", "sell", "draw", "clean", "paint", "carry", "weigh", "choose", "fold")
    for kind in ("old", "green", "heavy", "cheap", "wooden", "large")
    for thing in ("bread", "house", "map", "boot", "clock", "wall", "chair")
]


def gate(
    *, bar: float = 0.0, dimension: int = DIMENSION, threshold: float = 0.5, floor: float = 0.4
) -> Gate:
    chance = np.random.default_rng(3)
    product, difference, total = (
        chance.normal(size=(dimension, HIDDEN)).astype(np.float16).astype(np.float32)
        for _ in range(3)
    )
    return Gate(
        bi_encoder=WordEncoder.digest,
        threshold=threshold,
        floor=floor,
        bar=bar,
        product=product,
        difference=difference,
        total=total,
        bias=np.linspace(-0.5, 0.5, HIDDEN, dtype=np.float32),
        out=np.linspace(-1.0, 1.0, HIDDEN, dtype=np.float32),
    )


def unit(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_a_gate_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = gate(bar=0.25)

    written.save(tmp_path)

    read = load_gates(tmp_path)[written.bi_encoder]
    for name in ("bi_encoder", "threshold", "floor", "bar"):
        assert getattr(read, name) == getattr(written, name)
    for one, other in zip(read.weights, written.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_file_there_is_no_gate(tmp_path: Path) -> None:
    assert load_gates(tmp_path) == {}


def test_a_folder_holds_a_gate_for_each_bi_encoder(tmp_path: Path) -> None:
    ours, other = gate(bar=0.1), replace(gate(bar=0.2), bi_encoder="another-with-a-long-digest")

    for one in (ours, other, replace(ours, bar=0.3)):
        one.save(tmp_path)

    found = load_gates(tmp_path)
    assert {name: one.bar for name, one in found.items()} == {
        ours.bi_encoder: 0.3,
        other.bi_encoder: 0.2,
    }


def test_a_gate_takes_the_place_of_one_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / GATE_FILE).write_bytes(b"")

    gate().save(tmp_path)

    assert list(load_gates(tmp_path)) == [WordEncoder.digest]


def broken(tmp_path: Path, **changes: object) -> None:
    gate().save(tmp_path)
    with np.load(tmp_path / GATE_FILE) as file:
        held = dict(file)
    held |= {name: np.asarray(value) for name, value in changes.items() if value is not None}
    np.savez(tmp_path / GATE_FILE, **{name: held[name] for name in held.keys() - _none_of(changes)})


def _none_of(changes: dict[str, object]) -> set[str]:
    return {name for name, value in changes.items() if value is None}


@pytest.mark.parametrize(
    "changes",
    [
        {"bar": None},
        {"floor": "deep"},
        {"colour": 1.0},
        {"bias": np.zeros(HIDDEN + 1)},
        {"out": np.zeros((HIDDEN, 1))},
        {"total": np.zeros((DIMENSION + 1, HIDDEN))},
        {"product": np.zeros(HIDDEN)},
        {"product": np.array([{}])},
    ],
)
def test_a_damaged_gate_is_an_error_that_names_the_file(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    broken(tmp_path, **changes)

    with pytest.raises(UnreadableModelError, match=GATE_FILE):
        load_gates(tmp_path)


@pytest.mark.parametrize("kept", [0, 10, 400])
def test_a_gate_that_was_cut_short_is_an_error_that_names_the_file(
    tmp_path: Path, kept: int
) -> None:
    gate().save(tmp_path)
    path = tmp_path / GATE_FILE
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(UnreadableModelError, match=GATE_FILE):
        load_gates(tmp_path)


def test_the_search_leaves_out_what_the_gate_does_and_nothing_else() -> None:
    vectors = unit(700).astype(np.float16)
    chosen, search = gate(bar=-1.0), BlockSearch("cpu")

    every = all_near(vectors, floor=0.4, top_k=700, search=search, block=300)
    passed = all_near(vectors, floor=0.4, top_k=700, search=search, block=300, gate=chosen)

    exact = vectors.astype(np.float32)
    scores = gate_scores(exact[every.left], exact[every.right], chosen.weights)
    sure = np.abs(scores - chosen.bar) > 1e-4  # the two libraries round differently
    wanted = {
        (a, b)
        for a, b in zip(
            every.left[scores >= chosen.bar], every.right[scores >= chosen.bar], strict=True
        )
    }
    unsure = set(zip(every.left[~sure], every.right[~sure], strict=True))
    found = set(zip(passed.left, passed.right, strict=True))
    assert 0 < len(found) < len(every)
    assert found - unsure == wanted - unsure


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_gate_lets_nothing_pass_that_scores_below_its_bar_and_a_higher_bar_fewer(
    one: float, other: float
) -> None:
    vectors = unit(60)
    low, high = (_passed(gate(bar=bar), vectors) for bar in sorted((one, other)))

    assert high <= low


def _passed(chosen: Gate, vectors: NDArray[np.float32]) -> set[tuple[int, int]]:
    found = all_near(vectors, floor=-1.0, top_k=60, search=BlockSearch("cpu"), gate=chosen)
    scores = gate_scores(vectors[found.left], vectors[found.right], chosen.weights)
    assert (scores >= chosen.bar - 1e-4).all()  # the two libraries round differently
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_a_gate_serves_its_own_bi_encoder_at_its_threshold_or_above() -> None:
    fitted = gate(threshold=0.4)

    assert fitted.is_for(WordEncoder.digest, 0.4)
    assert not fitted.is_for(WordEncoder.digest, 0.39)
    assert not fitted.is_for("another", 0.9)


@pytest.mark.parametrize(("min_score", "is_asked"), [(0.6, True), (0.3, False)])
def test_mining_asks_the_gate_only_where_it_is_valid(*, min_score: float, is_asked: bool) -> None:
    shut = gate(bar=100.0, dimension=WordEncoder.dimension)
    reranker = WordReranker(Calibration(cosine_floor=0.3, asymmetry=0.4), shut)
    miner = Miner(WordEncoder(), reranker, search=BlockSearch("cpu"), min_score=min_score)

    found = miner.mine(TITLES[:40])

    assert (found.candidates == 0) is is_asked


@given(st.floats(0.001, 0.999), st.floats(0.3, 3.0), st.floats(-3.0, 3.0))
def test_a_moved_probability_can_be_moved_back(raw: float, slope: float, shift: float) -> None:
    logit = np.array([np.log(raw / (1 - raw))], np.float32)
    moved = Fusion().moved(slope, shift).probability(logit, np.zeros(1, np.float32))

    assert unmoved(float(moved[0]), slope=slope, shift=shift) == pytest.approx(raw, abs=2e-2)


def test_a_fitted_gate_keeps_what_is_flagged_and_spares_most_of_the_rest() -> None:
    left, right = unit(12_000, seed=1), unit(12_000, seed=2)
    # The made-up reranker looks at the first four components alone.
    logits = 40 * (left[:, :4] * right[:, :4]).sum(axis=1) - 4
    scored = Scored(
        left=left.astype(np.float16),
        right=right.astype(np.float16),
        probability=Fusion().probability(logits, logits),
        floor=-1.0,
    )

    found = fit_gate(scored, threshold=0.5, bi_encoder="x")

    assert found.kept == pytest.approx(KEPT, abs=3e-3)
    assert found.left_out > 0.6
    assert 0.05 < found.flagged / found.pairs < 0.3


def test_a_gate_is_fitted_alike_twice_and_leaves_chance_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("training.gate._STEPS", (40, 1))  # enough to go astray, were it by chance
    scored = Scored(
        left=unit(3_000, seed=1).astype(np.float16),
        right=unit(3_000, seed=2).astype(np.float16),
        probability=np.linspace(0, 1, 3_000, dtype=np.float32),
        floor=-1.0,
    )
    before = torch.random.get_rng_state()

    one, other = (fit_gate(scored, threshold=0.5, bi_encoder="x").gate for _ in range(2))

    assert torch.equal(torch.random.get_rng_state(), before)
    for first, second in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-4)


def test_too_few_flagged_pairs_are_an_error_that_says_what_to_do() -> None:
    scored = Scored(
        left=unit(500).astype(np.float16),
        right=unit(500, seed=1).astype(np.float16),
        probability=np.zeros(500, np.float32),
        floor=0.4,
    )

    with pytest.raises(InvalidInputError, match="give more questions"):
        fit_gate(scored, threshold=0.5, bi_encoder="x")


def test_near_pairs_are_scored_as_an_archive_would_score_them() -> None:
    reranker = WordReranker(Calibration(cosine_floor=0.6, asymmetry=0.4, threshold=0.6))
    told: dict[str, int] = {}

    def hear(stage: str, done: int, _total: int) -> None:
        told[stage] = told.get(stage, 0) + done

    scored = scored_pairs(
        TITLES, reranker=reranker, encoder=WordEncoder(), wanted=3_000, on_progress=hear
    )

    comparisons = len(TITLES) * (len(TITLES) - 1) // 2
    assert told == {"embed": len(TITLES), "search": comparisons, "score near pairs": 3_000}
    left, right = scored.left.astype(np.float32), scored.right.astype(np.float32)
    assert scored.floor == pytest.approx(0.6 - LOWER)
    assert (left * right).sum(axis=1).min() >= scored.floor - 1e-5
    flagged = scored.probability >= lowest_threshold(reranker, WordEncoder())
    assert 0 < flagged.mean() < 1


def test_questions_of_which_no_two_are_near_are_an_error() -> None:
    with pytest.raises(InvalidInputError, match="near"):
        scored_pairs(
            ["one two", "three four"],
            reranker=WordReranker(),
            encoder=WordEncoder(),
            wanted=10,
        )
