"""How much is claimed at once, when a slice is over, and what its second thread meets."""

import threading
from collections.abc import Callable

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from hypothesis import given
from hypothesis import strategies as st

from db.errors import TransientError
from worker.inference.runner import InferenceError
from worker.live.blame import BrokenModelError
from worker.live.drain import _check, _Slice, next_budget


def slice_of(length_s: float) -> _Slice:
    return _Slice(lambda *_: None, lambda: None, length_s=length_s)


@given(
    budget=st.integers(64, 100_000),
    took_s=st.floats(0, 1_000),
    slice_s=st.floats(0.05, 5),
    cap=st.integers(64, 100_000),
)
def test_a_budget_moves_by_no_more_than_a_factor_of_two_and_stays_in_bounds(
    budget: int, took_s: float, slice_s: float, cap: int
) -> None:
    new = next_budget(budget, took_s=took_s, slice_s=slice_s, cap=cap)

    assert 1 <= new <= min(2 * budget, cap)
    assert new >= min(budget // 2, cap)


@given(speed=st.integers(100, 1_000_000), slice_s=st.floats(0.1, 2), first=st.integers(64, 100_000))
def test_a_steady_machine_comes_to_slices_of_the_wanted_length(
    speed: int, slice_s: float, first: int
) -> None:
    budget, cap = first, 10**9
    for _ in range(40):
        budget = next_budget(budget, took_s=budget / speed, slice_s=slice_s, cap=cap)

    assert budget == pytest.approx(max(64, speed * slice_s), rel=0.05, abs=2)


@pytest.mark.parametrize(
    ("budget", "took_s", "new"),
    [
        (512, 0.5, 512),
        (512, 0.25, 1_024),
        (512, 0.001, 1_024),
        (512, 100.0, 256),
        (64, 100.0, 64),
        (3, 0.5, 6),
        (4_096, 0.1, 4_096),
    ],
)
def test_faster_batches_grow_and_slow_ones_shrink(budget: int, took_s: float, new: int) -> None:
    assert next_budget(budget, took_s=took_s, slice_s=0.5, cap=4_096) == new


def test_a_slice_is_over_when_its_time_is_or_when_it_is_stopped() -> None:
    stopped = slice_of(1_000)
    begun = stopped.is_over()
    stopped.stop()

    assert (begun, stopped.is_over(), slice_of(0).is_over()) == (False, True, True)


def test_a_second_thread_works_beside_the_first_and_is_waited_for() -> None:
    turn, go, done = slice_of(1_000), threading.Event(), list[int]()

    def work(held: _Slice) -> None:
        go.wait(10)
        held.done.append(7)
        done.append(1)

    turn.share(work)
    turn.share(work)  # one is enough
    shared = turn.is_shared
    go.set()
    turn.wait()

    assert shared
    assert not turn.is_shared
    assert (turn.done, done) == ([7], [1])


def test_what_the_second_thread_meets_is_raised_where_it_is_waited_for() -> None:
    turn = slice_of(1_000)

    def fail(_: _Slice) -> None:
        raise KeyError("title")

    turn.share(fail)

    with pytest.raises(KeyError, match="title"):
        turn.wait()
    with pytest.raises(KeyError, match="title"):
        turn.share(fail)


def test_without_a_second_thread_there_is_nothing_to_wait_for() -> None:
    turn = slice_of(1_000)
    turn.wait()

    assert not turn.is_shared


def raising(error: BaseException) -> Callable[[], None]:
    def prove() -> None:
        raise error

    return prove


@pytest.mark.parametrize(
    ("met", "raised"),
    [
        (InferenceError("nothing comes out"), BrokenModelError),
        (RuntimeError("CUDA error"), BrokenModelError),
        (TransientError("the database"), TransientError),
        (SoftTimeLimitExceeded(), SoftTimeLimitExceeded),
    ],
)
def test_a_model_is_broken_only_if_its_proof_fails_by_itself(
    met: BaseException, raised: type[BaseException]
) -> None:
    with pytest.raises(raised) as caught:
        _check(raising(met))

    assert type(caught.value) is raised
    assert caught.value is met or caught.value.__cause__ is met
