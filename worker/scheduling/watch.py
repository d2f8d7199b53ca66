"""The work of a worker without a message: its proof, and all work that is due.

With messages work begins at once; the watch does it even without them. If Redis or the beat is down
for days, all due work is still done, later by the interval of the sweep. The watch is a thread of
the process that has the models, because Celery's main process has none, and hangs while it cannot
reach its broker.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from db.errors import ServiceError
from db.work.rows import Lane
from worker.process.meter import METER
from worker.resources import Resources
from worker.scheduling import lanes, rounds

_UPKEEP_S = 2 * 3_600
"""Seconds between two runs of the hourly upkeep by the watch itself."""
_SOON_S = 120
"""Seconds from the start to the first run, so a worker that is restarted often does it too."""
_STOP_TIMEOUT_S = 10.0
_TICK_S = 1.0

log = structlog.get_logger()


class Watch:
    """Looks for due work every `sweep_s` seconds, and proves that the models run."""

    def __init__(
        self,
        held: Resources,
        lanes: Sequence[Lane],
        *,
        is_led: Callable[[], bool] = lambda: True,
    ) -> None:
        self._held = held
        self._lanes = lanes
        self._is_led = is_led
        self._looked_at = time.monotonic()
        self._upkeep_at = time.monotonic() + _SOON_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after its batch, and wait for it at most `_STOP_TIMEOUT_S`."""
        self._stop.set()
        self._thread.join(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.wait(_TICK_S):
            for step in (self.prove, self.look):
                try:
                    step()
                except Exception as error:  # noqa: BLE001  # the next round tries again
                    # Our own errors say what to do and quote no question.
                    why = str(error) if isinstance(error, ServiceError) else ""
                    name = type(error).__name__
                    log.warning("watch.failed", step=step.__name__, error=name, reason=why)

    def prove(self) -> None:
        """Prove that this worker works, if it could begin a task now.

        It could not if Celery's main process hangs or is stopped, or if a task never ends.
        """
        settings = self._held.settings
        if self._is_led() and self._held.turns.task_s() < settings.proof_s:
            self._held.prove()

    def look(self) -> None:
        """Do all due work for which no message came, at most every `sweep_s` seconds."""
        if time.monotonic() - self._looked_at < self._held.settings.sweep_s:
            return
        self._looked_at = time.monotonic()
        self._held.broker.ask(METER.send, default=False)
        rounds.deliver(self._held)
        due = rounds.sweep(self._held)
        if due.intersection(self._lanes) and self._is_idle():
            self.work()
        if time.monotonic() >= self._upkeep_at:
            self._upkeep_at = time.monotonic() + _UPKEEP_S
            rounds.hourly(self._held)

    def _is_idle(self) -> bool:
        return self._held.turns.idle_s() >= self._held.settings.sweep_s

    def work(self) -> None:
        """Work until nothing is due, a task comes, or this process ends."""
        turns = self._held.turns
        while not self._stop.is_set():
            with turns.spare() as is_free:
                if not is_free or not any(
                    lanes.work(self._held, lane, is_wanted=turns.is_wanted) for lane in self._lanes
                ):
                    return
