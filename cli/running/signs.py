"""Signs of life of a process. A process that hangs or was suspended gives none.

Silence is counted only when the supervisor looks, at most one second for each look. So a process
does not look dead after the machine slept or the supervisor was suspended.
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
    """A value that changes with each sign of life."""

    def latest(self) -> object:
        """Return another value after each sign of life; None before the first one is expected."""
        ...


class Knocks:
    """A thread that asks a server repeatedly. Each answer is a sign of life, also a refusal.

    *knock* should have no time limit: if there is no answer, it must wait, so that the server
    counts as silent.
    """

    def __init__(self, knock: Callable[[], object]) -> None:
        self._knock = knock
        self._answers = 0
        self._thread: threading.Thread | None = None

    def latest(self) -> object:
        """Return the number of answers so far; the first call starts the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, name="knocks", daemon=True)
            self._thread.start()
        return self._answers

    def _ask(self) -> None:
        while True:
            with suppress(Exception):  # an error is an answer too
                self._knock()
            self._answers += 1
            time.sleep(_KNOCK_EVERY_S)


class Touches:
    """A file that the process touches. Signs are expected only after its first touch."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)

    def latest(self) -> object:
        """Return when the file was touched last, or None."""
        with suppress(FileNotFoundError):
            return self.file.stat().st_mtime_ns
        return None


class Silence:
    """Measures for how long a process has given no sign of life."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self.end()

    def end(self) -> None:
        """Start at zero again, for a new process."""
        self._latest: object = None
        self._looked_at = time.monotonic()
        self._lasted_s = 0.0

    def lasted_s(self) -> float:
        """Look for a sign, and return for how many seconds the process has been silent."""
        now, latest = time.monotonic(), self._signs.latest()
        if latest is None or latest != self._latest:
            self._lasted_s = 0.0
        else:
            self._lasted_s += min(now - self._looked_at, _LONGEST_LOOK_S)
        self._latest, self._looked_at = latest, now
        return self._lasted_s
