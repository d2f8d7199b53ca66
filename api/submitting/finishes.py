"""Wakes the requests that wait for a question as soon as a worker has finished it.

Only a hint: a message may get lost, and the row is the truth. So each waiter also looks by itself,
now and then. One thread of each process listens for all of them, and ends when nobody waits.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import structlog

from db.errors import TransientError
from worker.queue import Queue

_ENDS_AFTER = 30
"""Rounds of a second without a message after which the thread ends if nobody waits."""

log = structlog.get_logger()


class Waiter:
    """Someone who waits in an event loop for one question."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = anyio.Event()
        self.question_id: int | None = None

    def tell(self) -> None:
        """Wake this waiter; any thread may call it."""
        try:
            self._loop.call_soon_threadsafe(self._told.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.debug("finish.told_too_late")

    async def wait(self, *, within_s: float) -> None:
        """Return once it is woken, or after *within_s* seconds."""
        with anyio.move_on_after(within_s):
            await self._told.wait()
        if self._told.is_set():
            self._told = anyio.Event()


class Finishes:
    """Who waits for which question in this process."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._waiting: dict[int, set[Waiter]] = defaultdict(set)
        self._hearer: threading.Thread | None = None

    def expect(self, waiter: Waiter, question_id: int) -> None:
        """Wake *waiter* when the question is finished; call it before a worker is woken for it."""
        with self._lock:
            waiter.question_id = question_id
            self._waiting[question_id].add(waiter)
            if self._hearer is None:
                self._hearer = threading.Thread(target=self._hear, name="finishes", daemon=True)
                self._hearer.start()

    @contextmanager
    def waiter(self) -> Iterator[Waiter]:
        """Return a waiter for the question; it is forgotten at the end of the block."""
        waiter = Waiter()
        try:
            yield waiter
        finally:
            self._forget(waiter)

    def _forget(self, waiter: Waiter) -> None:
        if waiter.question_id is None:
            return
        with self._lock:
            others = self._waiting[waiter.question_id]
            others.discard(waiter)
            if not others:
                del self._waiting[waiter.question_id]

    def _hear(self) -> None:
        silent = 0
        try:
            for ids in self._queue.finished():
                self._tell(ids)
                silent = 0 if ids or self._waiting else silent + 1
                if silent >= _ENDS_AFTER and self._is_over():
                    return
        except TransientError as error:  # each waiter looks by itself
            log.warning("finishes.unheard", error=type(error).__name__)
        finally:
            self._stop_hearing()

    def _is_over(self) -> bool:
        """Return whether nobody waits; then whoever comes next gets a thread of their own."""
        with self._lock:
            if not self._waiting:
                self._hearer = None
            return self._hearer is None

    def _stop_hearing(self) -> None:
        with self._lock:
            if self._hearer is threading.current_thread():
                self._hearer = None

    def _tell(self, ids: list[int]) -> None:
        with self._lock:
            waiting = [waiter for one in ids for waiter in self._waiting.get(one, ())]
        for waiter in waiting:
            waiter.tell()
