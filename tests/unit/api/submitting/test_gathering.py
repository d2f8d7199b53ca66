"""Rounds of work that requests share."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from api.submitting import gathering
from api.submitting.gathering import Call, Gathering

_who: ContextVar[str] = ContextVar("who", default="nobody")


class Rounds:
    """Doubles what it is given, and notes what came together; the first round waits for *go*."""

    def __init__(self, *, most: int = 10, threads: int = 1) -> None:
        self.seen: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(threads)
        self._gathering: Gathering[int, int] = Gathering(self._do, self._threads, most=most)

    def _do(self, calls: Sequence[Call[int, int]]) -> None:
        self.seen.append([call.given for call in calls])
        self.begun.set()
        if len(self.seen) == 1:
            self.go.wait(10)
        if any(call.given < 0 for call in calls):
            raise ValueError("not below zero")
        for call in calls:
            call.succeed(2 * call.given)

    async def all_of(self, *given: int) -> list[Any]:
        """Begin with the first; the others come while it is being done."""
        first = asyncio.create_task(self._gathering.done(given[0]))
        await asyncio.to_thread(self.begun.wait, 10)
        rest = [asyncio.create_task(self._gathering.done(one)) for one in given[1:]]
        await asyncio.sleep(0)
        await self.meanwhile(rest)
        self.go.set()
        done = await asyncio.gather(first, *rest, return_exceptions=True)
        self._threads.shutdown()
        return done

    async def meanwhile(self, rest: list["asyncio.Task[int]"]) -> None:
        """Do nothing more before the first round goes on."""


def test_one_that_comes_alone_is_done_at_once() -> None:
    rounds = Rounds()

    done = asyncio.run(rounds.all_of(1))

    assert (done, rounds.seen) == ([2], [[1]])


def test_those_that_come_meanwhile_are_done_together() -> None:
    rounds = Rounds()

    done = asyncio.run(rounds.all_of(1, 2, 3, 4))

    assert done == [2, 4, 6, 8]
    assert rounds.seen == [[1], [2, 3, 4]]


def test_a_round_takes_no_more_than_it_may() -> None:
    rounds = Rounds(most=2)

    asyncio.run(rounds.all_of(1, 2, 3, 4))

    assert rounds.seen == [[1], [2, 3], [4]]


def test_a_round_that_is_held_up_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "_PATIENCE_S", 0.001)
    rounds = Rounds(threads=2)

    async def until_helped(rest: list["asyncio.Task[int]"]) -> None:
        await asyncio.wait(rest, timeout=10)

    rounds.meanwhile = until_helped  # type: ignore[method-assign]

    done = asyncio.run(rounds.all_of(1, 2, 3))

    assert done == [2, 4, 6]
    assert rounds.seen[0] == [1]


def test_where_nothing_may_be_shared_each_has_a_thread_of_its_own() -> None:
    rounds = Rounds(most=1, threads=3)

    async def until_done(rest: list["asyncio.Task[int]"]) -> None:
        await asyncio.wait(rest, timeout=10)

    rounds.meanwhile = until_done  # type: ignore[method-assign]

    asyncio.run(rounds.all_of(1, 2, 3))

    assert sorted(rounds.seen) == [[1], [2], [3]]


def test_a_round_that_fails_fails_its_own_calls_alone() -> None:
    rounds = Rounds(most=2)

    first, second, third, last = asyncio.run(rounds.all_of(1, -2, 3, 4))

    assert (first, last) == (2, 8)
    assert isinstance(second, ValueError)
    assert isinstance(third, ValueError)


def test_who_gives_up_leaves_the_others_in_peace() -> None:
    rounds = Rounds()

    async def give_up(rest: list["asyncio.Task[int]"]) -> None:
        rest[0].cancel()

    rounds.meanwhile = give_up  # type: ignore[method-assign]

    first, second, third = asyncio.run(rounds.all_of(1, 2, 3))

    assert (first, third) == (2, 6)
    assert isinstance(second, asyncio.CancelledError)


def test_a_round_runs_in_the_context_of_its_first_call() -> None:
    seen: list[str] = []

    def note(calls: Sequence[Call[int, int]]) -> None:
        seen.append(_who.get())
        for call in calls:
            call.succeed(call.given)

    async def ask() -> None:
        _who.set("ana")
        await Gathering(note, ThreadPoolExecutor(1), most=1).done(1)

    asyncio.run(ask())

    assert seen == ["ana"]
