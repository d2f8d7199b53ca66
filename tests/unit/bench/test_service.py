"""What measurements count as time, and how they say it."""

import threading

import pytest

from bench import service
from bench.service import Clock, new_questions
from tests.clock import Clock as FakeTime


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    made = FakeTime()
    monkeypatch.setattr(service, "time", made)
    return made


def test_two_models_at_once_take_their_time_once(time: FakeTime) -> None:
    clock = Clock()
    with clock.going():
        time.now += 1
        with clock.going():
            time.now += 2
        time.now += 4
    time.now += 8
    with clock.going():
        time.now += 16

    assert clock.seconds == 23


def test_a_model_that_fails_stops_the_clock(time: FakeTime) -> None:
    clock = Clock()

    def fail() -> None:
        time.now += 1
        raise RuntimeError

    with pytest.raises(RuntimeError), clock.going():
        fail()
    time.now += 10
    with clock.going():
        time.now += 1

    assert clock.seconds == 2


def test_threads_share_one_clock(time: FakeTime) -> None:
    clock, inside, done = Clock(), threading.Event(), threading.Event()

    def work() -> None:
        with clock.going():
            inside.set()
            done.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(60)
    time.now += 3
    with clock.going():
        time.now += 3
    done.set()
    thread.join(60)

    assert clock.seconds == 6


def test_questions_are_numbered_from_where_it_was_said() -> None:
    found = new_questions(["A?", "B?"], first=7)

    assert len({one.external_id for one in found}) == 2
    assert [one.title for one in found] == ["A?", "B?"]
    assert {one.external_id for one in found}.isdisjoint(
        one.external_id for one in new_questions(["C?"], first=9)
    )


def test_quantiles_are_said_in_milliseconds() -> None:
    assert service._quantiles([0.01] * 100) == "p50 10 ms, p99 10 ms"  # noqa: SLF001  # pure
