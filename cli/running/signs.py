"""Signs of life of a process that runs: one that hangs, or was stopped, gives none.

Time counts only while somebody looks, at most a second a look: neither a machine that slept nor a
supervisor that was stopped itself makes a process look dead.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_LONGEST_LOOK_S = 1.0
_KNOCK_EVERY_S = 2.0


class Signs(Protocol):
    """What changes with each sign of life."""

    def latest(self) -> object:
        """Return something else than before if there was a sign; None while none can be wanted."""
        ...


class Knocks:
    """A thread that asks a server again and again; each answer is a sign, a refusal too.

    *knock* should have no time limit: where nobody answers it waits, and that is the silence.
    """

    def __init__(self, knock: Callable[[], object]) -> None:
        self._knock = knock
        self._answers = 0
        self._thread: threading.Thread | None = None

    def latest(self) -> object:
        """Return how many answers there were; the first call begins to ask."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="knocks", daemon=True)
            self._thread.start()
        return self._answers

    def _ask(self) -> None:
        while True:
            with suppress(Exception):  # whatever it says, it says something
                self._knock()
            self._answers += 1
            time.sleep(_KNOCK_EVERY_S)


class Touches:
    """A file that the process touches; before it first does, nothing is expected of it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)

    def latest(self) -> object:
        """Return when it was touched."""
        with suppress(FileNotFoundError):
            return self.file.stat().st_mtime_ns
        return None


class Silence:
    """For how long a process has given no sign."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self.end()

    def end(self) -> None:
        """Begin again: the process is a new one."""
        self._latest: object = None
        self._looked_at = time.monotonic()
        self._lasted_s = 0.0

    def lasted_s(self) -> float:
        """Look, and return how long it has been silent."""
        now, latest = time.monotonic(), self._signs.latest()
        if latest is None or latest != self._latest:
            self._lasted_s = 0.0
        else:
            self._lasted_s += min(now - self._looked_at, _LONGEST_LOOK_S)
        self._latest, self._looked_at = latest, now
        return self._lasted_s
