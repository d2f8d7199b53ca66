"""Work that several requests want at one moment, done for all of them at once.

While one round is under way, requests gather, and the next round takes them all: they share what a
thread, a statement and a commit cost, and a request that comes alone does not wait for others.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from threading import Lock
from typing import Generic, TypeVar

_PATIENCE_S = 0.01
"""After so long those that gather no longer wait for the round under way: it may be held up."""

Given = TypeVar("Given")
Got = TypeVar("Got")


class Call(Generic[Given, Got]):
    """A request that waits in its event loop for its part of the work."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.context = copy_context()
        self.is_taken = False
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Got] = self._loop.create_future()

    def succeed(self, got: Got) -> None:
        """Let the request go on; any thread may call this."""
        self._tell(lambda: self.done.set_result(got))

    def fail(self, error: BaseException) -> None:
        """Let the request end with *error*; any thread may call this."""
        self._tell(lambda: self.done.set_exception(error))

    def _tell(self, settle: Callable[[], None]) -> None:
        def settle_once() -> None:
            if not self.done.done():  # given up meanwhile
                settle()

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(settle_once)


class Gathering(Generic[Given, Got]):
    """Calls *do*, in threads of *threads*, for what has gathered: at most *most* at a time.

    *do* ends each call that it is given, or raises: then all of them fail. It runs in the context
    of the first.
    """

    def __init__(
        self,
        do: Callable[[Sequence[Call[Given, Got]]], None],
        threads: ThreadPoolExecutor,
        *,
        most: int,
    ) -> None:
        self._do = do
        self._threads = threads
        self._most = most
        self._lock = Lock()
        self._waiting: list[Call[Given, Got]] = []
        self._rounds = 0
        """Threads that work."""

    async def done(self, given: Given) -> Got:
        """Return what came of *given*, once a round has done it."""
        call: Call[Given, Got] = Call(given)
        with self._lock:
            self._waiting.append(call)
            is_first = self._begin_if(not self._rounds or self._most == 1)
        if not is_first:
            asyncio.get_running_loop().call_later(_PATIENCE_S, self._help, call)
        return await call.done

    def _help(self, call: Call[Given, Got]) -> None:
        with self._lock:
            self._begin_if(not call.is_taken)

    def _begin_if(self, is_due: bool) -> bool:
        if is_due:
            self._rounds += 1
            self._threads.submit(self._work)
        return is_due

    def _work(self) -> None:
        while calls := self._taken():
            try:
                calls[0].context.run(self._do, calls)
            except BaseException as error:  # noqa: BLE001  # theirs who wait, whatever it is
                for call in calls:
                    call.fail(error)

    def _taken(self) -> list[Call[Given, Got]]:
        with self._lock:
            calls, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            for call in calls:
                call.is_taken = True
            self._rounds -= not calls
            return calls
