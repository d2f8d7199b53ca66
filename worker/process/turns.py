"""Turns in a worker's process: either a task works, or the watch, which works without a task."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """One turn at a time; a task waits for it, the watch takes it only if it is free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._task_since: float | None = None
        self._task_until = time.monotonic()

    @contextmanager
    def of_task(self) -> Iterator[None]:
        """Hold the turn for a task; first wait until the watch has ended its batch."""
        self._waiting += 1
        try:
            self._lock.acquire()
        finally:
            self._waiting -= 1
        self._task_since = time.monotonic()
        try:
            yield
        finally:
            self._task_since, self._task_until = None, time.monotonic()
            self._lock.release()

    @contextmanager
    def spare(self) -> Iterator[bool]:
        """Hold the turn for the watch if it is free and no task waits; yield whether it is held."""
        is_ours = not self._waiting and self._lock.acquire(blocking=False)
        try:
            yield is_ours
        finally:
            if is_ours:
                self._lock.release()

    def is_wanted(self) -> bool:
        """Return whether a task waits for the turn."""
        return self._waiting > 0

    def idle_s(self) -> float:
        """Return the seconds since the last task had the turn; 0 while a task has it."""
        return 0.0 if self._task_since is not None else time.monotonic() - self._task_until

    def task_s(self) -> float:
        """Return the seconds since the present task got the turn; 0 if there is none."""
        since = self._task_since
        return 0.0 if since is None else time.monotonic() - since
