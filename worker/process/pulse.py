"""Whether Celery's own process still leads this one: it takes tasks, and holds no models.

It is stamped from within its event loop, so one that is stopped, hangs, or looks for its broker has
none. The stamp lies in memory that the processes of the pool share with it.
"""

import time
from multiprocessing.sharedctypes import RawValue
from typing import Any

from celery import bootsteps

_BEAT_S = 1.0
_BELIEVED_S = 10.0

_stamp = RawValue("d", 0.0)


class Pulse(bootsteps.StartStopStep):
    """Stamps the time every second for as long as the event loop turns."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        """Begin with the worker."""
        beat()
        worker.timer.call_repeatedly(_BEAT_S, beat)


def beat() -> None:
    """Stamp the time."""
    _stamp.value = time.monotonic()


def is_fresh() -> bool:
    """Return whether Celery's process was seen to turn within the last seconds."""
    return bool(time.monotonic() - _stamp.value < _BELIEVED_S)
