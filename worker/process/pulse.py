"""Whether Celery's main process, which takes the tasks and has no models, still works.

Its event loop writes a time stamp. If the process is stopped, hangs, or looks for its broker, the
stamp becomes old. The stamp is in memory that the processes of the pool share with it.
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
