"""Shows whether Celery's main process still works. This process takes the tasks and has no models.

Its event loop writes a time stamp every second. If the process is stopped, hangs, or cannot reach
its broker, the stamp becomes old. The processes of the pool share the memory of the stamp.
"""

import time
from multiprocessing.sharedctypes import RawValue
from typing import Any

from celery import bootsteps

_BEAT_S = 1.0
_BELIEVED_S = 10.0

_stamp = RawValue("d", 0.0)


class Pulse(bootsteps.StartStopStep):
    """Writes the time stamp every second while the event loop runs."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        """Begin when the worker starts."""
        beat()
        worker.timer.call_repeatedly(_BEAT_S, beat)


def beat() -> None:
    """Write the time stamp."""
    _stamp.value = time.monotonic()


def is_fresh() -> bool:
    """Return whether the time stamp is less than ten seconds old."""
    return bool(time.monotonic() - _stamp.value < _BELIEVED_S)
