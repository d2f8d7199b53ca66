"""Who waits for a question hears of its finish; the thread that listens ends and begins again."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from structlog.testing import capture_logs

from api.submitting.finishes import Finishes, Waiter
from db.errors import TransientError
from worker.queue import Queue

LONG_S = 60.0


class Broker:
    """Says what it is told to; *at_end* happens when the listener has stopped listening."""

    def __init__(self, *rounds: list[int]) -> None:
        self.rounds: Iterable[list[int]] = rounds
        self.listeners = 0
        self.ended = threading.Event()
        self.at_end: Callable[[], object] = lambda: None
        self.fails = False

    def finished(self) -> Iterator[list[int]]:
        self.listeners += 1
        try:
            if self.fails:
                raise TransientError("away")
            yield from self.rounds
        finally:
            self.at_end()
            self.ended.set()


def finishes_of(broker: Broker) -> Finishes:
    return Finishes(cast("Queue", broker))


def test_each_waiter_is_woken_by_its_own_question() -> None:
    broker = Broker([1], [], [2, 3])

    async def run() -> list[int | None]:
        finishes = finishes_of(broker)
        with finishes.waiter() as one, finishes.waiter() as other, finishes.waiter() as third:
            started = threading.Event()
            broker.at_end = started.set
            for waiter, question in ((third, 4), (one, 1), (other, 2)):
                with finishes._lock:  # noqa: SLF001  # nobody is told before all of them wait
                    waiter.question_id = question
                    finishes._waiting[question].add(waiter)  # noqa: SLF001
            finishes.expect(third, 4)
            await one.wait(within_s=LONG_S)
            await other.wait(within_s=LONG_S)
            await third.wait(within_s=0)
            return [one.question_id, other.question_id, third.question_id]

    assert asyncio.run(run()) == [1, 2, 4]


def test_a_waiter_that_nobody_tells_goes_on_in_time() -> None:
    async def run() -> bool:
        waiter = Waiter()
        await waiter.wait(within_s=0.001)
        return waiter._told.is_set()  # noqa: SLF001  # it says nothing of why it goes on

    assert asyncio.run(run()) is False


def test_a_waiter_can_be_woken_again_and_again() -> None:
    async def run() -> int:
        waiter, woken = Waiter(), 0
        for _ in range(3):
            waiter.tell()
            await waiter.wait(within_s=LONG_S)
            woken += 1
        return woken

    assert asyncio.run(run()) == 3


def test_telling_one_whose_loop_is_closed_harms_nobody() -> None:
    async def make() -> Waiter:
        return Waiter()

    with capture_logs() as logs:
        asyncio.run(make()).tell()

    assert [one["event"] for one in logs] == ["finish.told_too_late"]


def test_who_waits_for_nothing_is_forgotten_without_a_trace() -> None:
    async def run() -> Finishes:
        finishes = finishes_of(Broker())
        with finishes.waiter():
            pass
        with finishes.waiter() as waiter:
            finishes.expect(waiter, 1)
        return finishes

    assert not asyncio.run(run())._waiting  # noqa: SLF001  # a leak shows nowhere else


def test_two_who_wait_for_the_same_are_both_woken() -> None:
    broker = Broker([1])

    async def run() -> float:
        finishes, begun = finishes_of(broker), time.monotonic()
        with finishes.waiter() as one, finishes.waiter() as other:
            with finishes._lock:  # noqa: SLF001  # as above
                finishes._waiting[1].add(one)  # noqa: SLF001
            finishes.expect(other, 1)
            await one.wait(within_s=LONG_S)
            await other.wait(within_s=LONG_S)
        return time.monotonic() - begun

    assert asyncio.run(run()) < LONG_S


def test_who_comes_while_the_listener_stops_gets_one_of_their_own() -> None:
    idle, is_alone = Broker(), threading.Event()

    def silence() -> Iterator[list[int]]:
        is_alone.wait(LONG_S)  # while somebody waits, the listener goes on
        yield from [[]] * 40

    idle.rounds = silence()

    async def run() -> None:
        finishes = finishes_of(idle)
        late = finishes.waiter()
        waiter = late.__enter__()

        def come() -> None:
            idle.rounds, idle.at_end = ([2],), lambda: None
            finishes.expect(waiter, 2)

        idle.at_end = come
        with finishes.waiter() as first:
            finishes.expect(first, 1)
        is_alone.set()
        idle_end = asyncio.to_thread(idle.ended.wait, LONG_S)
        await idle_end
        await waiter.wait(within_s=LONG_S)
        late.__exit__(None, None, None)

    asyncio.run(run())

    assert idle.listeners == 2


def test_after_the_broker_was_away_the_next_one_listens_again() -> None:
    broker = Broker([7])
    broker.fails = True

    async def run() -> None:
        finishes = finishes_of(broker)
        with finishes.waiter() as one:
            finishes.expect(one, 7)
            await asyncio.to_thread(broker.ended.wait, LONG_S)
            broker.fails = False
        for thread in threading.enumerate():
            if thread.name == "finishes":
                thread.join(LONG_S)
        with finishes.waiter() as other:
            finishes.expect(other, 7)
            await other.wait(within_s=LONG_S)

    asyncio.run(run())

    assert broker.listeners == 2
