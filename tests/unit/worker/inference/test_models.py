"""The bi-encoder and the CrossEncoder on a backend that counts tokens."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.worker.inference.test_tokens import WORDS, make_tokens
from worker.inference.encoder import TokenEncoder
from worker.inference.reranker import TokenReranker
from worker.inference.runner import Floats, InferenceError, in_order
from worker.inference.testing import PoisonError, WordEncoder, WordReranker
from worker.inference.tokens import Batch
from worker.scoring.calibration import Calibration

TEXT = st.lists(st.sampled_from(WORDS[4:]), max_size=9).map(" ".join)
TEXTS = st.lists(TEXT, min_size=1, max_size=9)


class Counting:
    """Counts how often each word stands in an input; of two texts the second counts double."""

    runs_on = "an abacus"

    def __init__(self, *, token_budget: int = 24, broken: bool = False) -> None:
        self.token_budget = token_budget
        self.inputs = 0
        self._broken = broken

    def run(self, batches: Sequence[Batch]) -> Floats:
        self.inputs += sum(len(batch.rows) for batch in batches)
        rows = np.concatenate([self._rows(batch) for batch in batches])
        return np.full_like(rows, np.nan) if self._broken else rows

    def _rows(self, batch: Batch) -> Floats:
        weights = batch.mask * (1 + batch.types)
        counts = [(weights * (batch.ids == word)).sum(axis=1) for word in range(len(WORDS))]
        return np.stack(counts, axis=1).astype(np.float32)


class Sums(Counting):
    """One number for each pair: how many tokens it has, those of the second text double."""

    def _rows(self, batch: Batch) -> Floats:
        sums: Floats = super()._rows(batch).sum(axis=1)
        return sums


def encoder(**options: int | bool) -> TokenEncoder:
    return TokenEncoder(
        "words",
        digest="d",
        dimension=len(WORDS),
        tokens=make_tokens(),
        runner=Counting(**options),  # type: ignore[arg-type]
    )


def reranker(runner: Counting) -> TokenReranker:
    return TokenReranker(
        "sums", digest="d", calibration=Calibration(), tokens=make_tokens(), runner=runner
    )


@given(TEXTS)
def test_each_text_has_the_unit_vector_it_has_alone(texts: list[str]) -> None:
    together = encoder().encode(texts)

    alone = np.concatenate([encoder().encode([text]) for text in texts])
    assert together == pytest.approx(alone)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-6)


@given(TEXTS, st.integers(1, 60))
def test_vectors_do_not_depend_on_how_batches_are_cut(texts: list[str], budget: int) -> None:
    assert encoder(token_budget=budget).encode(texts) == pytest.approx(encoder().encode(texts))


def test_no_texts_have_no_vectors_and_no_model_is_run() -> None:
    found = encoder(broken=True).encode([])

    assert found.shape == (0, len(WORDS))
    assert found.dtype == np.float32


def test_a_vector_of_nothing_stays_finite() -> None:
    class Nothing(Counting):
        def _rows(self, batch: Batch) -> Floats:
            return np.zeros((len(batch.rows), 3), np.float32)

    model = TokenEncoder("n", digest="d", dimension=3, tokens=make_tokens(), runner=Nothing())

    assert model.encode(["how"]).tolist() == [[0.0, 0.0, 0.0]]


@given(TEXTS, st.data())
def test_a_pair_has_the_logit_it_has_alone_whatever_order_they_come_in(
    texts: list[str], data: st.DataObject
) -> None:
    places = st.tuples(*[st.integers(0, len(texts) - 1)] * 2)
    pairs = np.array(data.draw(st.lists(places, min_size=1, max_size=8)), np.int32)

    found = reranker(Sums()).score(texts, pairs)

    alone = [float(reranker(Sums()).score(texts, pair[None])[0]) for pair in pairs]
    assert found.tolist() == alone
    assert reranker(Sums()).score(texts, pairs[::-1]).tolist() == alone[::-1]


def test_the_second_text_of_a_pair_is_read_as_the_second() -> None:
    texts = ["how do i fold", "a"]

    one, other = (
        float(reranker(Sums()).score(texts, np.array([pair], np.int32))[0])
        for pair in ([0, 1], [1, 0])
    )

    assert one - other == (4 + 2 * 1) - (1 + 2 * 4)


def test_texts_that_no_pair_names_are_never_read() -> None:
    class Unreadable:
        def encode(self, _errors: str) -> bytes:
            raise AssertionError

    texts: list[str] = ["how", Unreadable(), "fold"]  # type: ignore[list-item]

    assert reranker(Sums()).score(texts, np.array([[0, 2]], np.int32)).shape == (1,)


def test_no_pairs_have_no_logits_and_no_model_is_run() -> None:
    runner = Sums(broken=True)

    assert reranker(runner).score(["how"], np.zeros((0, 2), np.int32)).shape == (0,)
    assert runner.inputs == 0


def test_a_model_says_what_it_runs_on() -> None:
    assert encoder().runs_on == reranker(Sums()).runs_on == "an abacus"


def test_a_number_that_is_not_finite_is_an_error_and_no_score() -> None:
    with pytest.raises(InferenceError, match="not finite"):
        encoder(broken=True).encode(["how"])
    with pytest.raises(InferenceError, match="not finite"):
        reranker(Sums(broken=True)).score(["how"], np.array([[0, 0]], np.int32))


@given(st.permutations(range(7)), st.integers(1, 6))
def test_rows_go_back_to_the_order_of_their_inputs(order: list[int], cut: int) -> None:
    def batch(rows: list[int]) -> Batch:
        nothing = np.zeros((len(rows), 1), np.int64)
        return Batch(rows=np.array(rows, np.int64), ids=nothing, mask=nothing, types=nothing)

    batches = [batch(order[:cut]), batch(order[cut:])]

    found = in_order(batches, np.array(order, np.float32) * 10)

    assert found.tolist() == [10.0 * place for place in range(7)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_number_among_many_is_enough(bad: float) -> None:
    rows: NDArray[np.float32] = np.array([0.0, bad], np.float32)
    nothing = np.zeros((2, 1), np.int64)
    batch = Batch(rows=np.arange(2), ids=nothing, mask=nothing, types=nothing)

    with pytest.raises(InferenceError):
        in_order([batch], rows)


@given(TEXT, TEXT)
def test_the_made_up_reranker_scores_what_has_the_same_words_highest(one: str, other: str) -> None:
    model = WordReranker()
    texts = [one, other]

    same, both = model.score(texts, np.array([[0, 0], [0, 1]], np.int32)).tolist()

    assert -6.2 < both <= 6.2
    assert both <= same + 0.2 + 1e-5 or not one.split()


def test_the_made_up_encoder_fails_at_its_poison_alone() -> None:
    model = WordEncoder(poison="arsenic")

    vectors = model.encode(["fold a jacket", "A Jacket, fold!", "boil eggs"])

    assert vectors[0] == pytest.approx(vectors[1])
    assert vectors[0] @ vectors[2] < 0.5
    with pytest.raises(PoisonError):
        model.encode(["fold", "old lace with arsenic"])
    assert model.calls == 2
