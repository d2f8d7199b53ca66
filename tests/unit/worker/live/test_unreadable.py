"""What a model cannot read is found by halving, and costs nothing but its own pairs."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.errors import TransientError
from worker.inference.runner import InferenceError
from worker.inference.testing import WordEncoder, WordReranker
from worker.live.unreadable import failing_alone, scored_where_readable
from worker.matching.findings import scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.calibration import Calibration
from worker.text.normal import Seen, seen

TITLES = (
    "how to boil an egg",
    "how to boil an egg now",
    "the best train to rome",
    "the best train to rome today",
    "poison in an egg",
)


def work(bad: set[int], *, calls: list[int] | None = None) -> Callable[[Sequence[int]], None]:
    """Return work that fails where one of *bad* is among the items."""

    def done(items: Sequence[int]) -> None:
        if calls is not None:
            calls.append(len(items))
        if found := sorted(bad & set(items)):
            raise ValueError(str(found))

    return done


@given(st.integers(0, 40), st.sets(st.integers(0, 39), max_size=6))
def test_exactly_those_that_fail_alone_are_named_in_their_order(count: int, bad: set[int]) -> None:
    wanted = sorted(one for one in bad if one < count)
    if wanted and len(wanted) == count:
        return  # below: then it is the model's fault

    found = failing_alone(work(bad), range(count))

    assert found == [(one, f"ValueError: [{one}]") for one in wanted]


@given(st.sets(st.integers(0, 255), min_size=1, max_size=3))
def test_few_that_fail_among_many_cost_few_tries(bad: set[int]) -> None:
    calls: list[int] = []

    failing_alone(work(bad, calls=calls), range(256))

    assert len(calls) <= 1 + len(bad) * 2 * 8  # twice for each halving of 256


@pytest.mark.parametrize("count", [1, 2, 5])
def test_where_each_fails_the_error_itself_is_raised(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^\[{count - 1}\]$"):
        failing_alone(work(set(range(count))), range(count))


@pytest.mark.parametrize("error", [TransientError("the broker"), KeyboardInterrupt()])
def test_an_error_of_the_moment_is_raised_at_once(error: BaseException) -> None:
    tries: list[int] = []

    def fail(items: Sequence[int]) -> None:
        tries.append(len(items))
        raise error

    with pytest.raises(type(error)):
        failing_alone(fail, range(8))
    assert tries == [8]


class PoisonReranker(WordReranker):
    """Cannot read a text with the word poison, nor, if it is *broken*, any other."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__(Calibration(cosine_floor=0.0, asymmetry=100.0))
        self.broken = broken

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        read = {texts[place] for place in np.unique(pairs).tolist()}
        if self.broken or any("poison" in text for text in read):
            raise InferenceError("no")
        return super().score(texts, pairs)


def matcher(*, broken: bool = False) -> Matcher:
    return Matcher.of(WordEncoder(), PoisonReranker(broken=broken), threshold=0.5)


def questions(*titles: str) -> dict[int, Seen]:
    return {10 + place: seen(title) for place, title in enumerate(titles)}


def near(*pairs: tuple[int, int]) -> Near:
    left, right = zip(*pairs, strict=True)
    return Near(np.array(left), np.array(right), np.full(len(pairs), 0.9))


def test_where_all_can_be_read_nothing_is_left_out() -> None:
    given_ = matcher(), near((10, 11), (12, 13)), questions(*TITLES)

    findings, unreadable = scored_where_readable(*given_)

    assert findings == scored(*given_)
    assert unreadable == {}


def test_a_question_that_cannot_be_read_costs_its_own_pairs_alone() -> None:
    pairs = near((10, 11), (10, 14), (14, 12), (12, 13))

    findings, unreadable = scored_where_readable(matcher(), pairs, questions(*TITLES))

    assert [(one.question_id, one.candidate_id) for one in findings] == [(10, 11), (12, 13)]
    assert unreadable == {14: "the CrossEncoder cannot read this question: InferenceError: no"}


def test_a_question_that_is_gone_is_not_taken_for_unreadable() -> None:
    held = questions(*TITLES)
    del held[12]

    findings, unreadable = scored_where_readable(
        matcher(), near((10, 11), (10, 14), (12, 13)), held
    )

    assert [(one.question_id, one.candidate_id) for one in findings] == [(10, 11)]
    assert set(unreadable) == {14}


def test_a_model_that_reads_nothing_is_no_questions_fault() -> None:
    with pytest.raises(InferenceError):
        scored_where_readable(matcher(broken=True), near((10, 11)), questions(*TITLES))


def test_an_error_that_no_question_explains_is_raised() -> None:
    def fail(*_: object) -> list[object]:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        scored_where_readable(matcher(), near((10, 11)), questions(*TITLES), fail)  # type: ignore[arg-type]


def test_an_error_of_the_moment_looks_for_no_question() -> None:
    model = matcher()

    def fail(*_: object) -> list[object]:
        raise TransientError("the database")

    with pytest.raises(TransientError):
        scored_where_readable(model, near((10, 11)), questions(*TITLES), fail)  # type: ignore[arg-type]
    assert model.reranker.calls == 0  # type: ignore[attr-defined]
