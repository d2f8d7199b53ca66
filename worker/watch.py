"""What a worker does without a message: it proves itself, and does work that is due.

Messages make a worker fast; this makes it reliable. If Redis or the beat is down for days,
everything that is due is still done, later by the interval of the sweep. It is a thread of the
process that has the models, because Celery's main process has none, and hangs while it looks for
its broker.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from db.errors import ServiceError
from db.work.rows import Lane
from worker import acting, lanes, upkeep
from worker.archives.loading import syncing
from worker.process.meter import METER
from worker.resources import Resources

_UPKEEP_S = 2 * 3_600
"""After so long without it the hourly upkeep is not waited for any longer."""
_SOON_S = 120
"""After its start a worker does it once: one that restarts every hour would never come to it."""
_STOP_TIMEOUT_S = 10.0
_TICK_S = 1.0

log = structlog.get_logger()


class Watch:
    """Looks at the table, and at itself, every `sweep_s` seconds."""

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
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End it, together with its batch."""
        self._stop.set()
        self._thread.join(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.wait(_TICK_S):
            for step in (self.prove, self.look):
                try:
                    step()
                except Exception as error:  # noqa: BLE001  # the next look may go better
                    # Our own errors say what to do and quote no question.
                    why = str(error) if isinstance(error, ServiceError) else ""
                    name = type(error).__name__
                    log.warning("watch.failed", step=step.__name__, error=name, reason=why)

    def prove(self) -> None:
        """Prove that this worker can infer, if the next task would get at it.

        It would not while Celery's process hangs or is stopped, or a task never ends.
        """
        settings = self._held.settings
        if self._is_led() and self._held.turns.task_s() < settings.proof_s:
            self._held.prove()

    def look(self) -> None:
        """Do what others forgot to ask for, at most every `sweep_s` seconds."""
        if time.monotonic() - self._looked_at < self._held.settings.sweep_s:
            return
        self._looked_at = time.monotonic()
        self._held.broker.ask(METER.send, default=False)
        acting.act(self._held.sessions)
        acting.settle(self._held.sessions)
        self._held.courier.start()
        self._held.carrier.start()
        due = upkeep.sweep(self._held.sessions, self._held.queue)
        syncing.start_due(self._held.sessions)
        if due.intersection(self._lanes) and self._is_idle():
            self.work()
        if time.monotonic() >= self._upkeep_at:
            self._upkeep_at = time.monotonic() + _UPKEEP_S
            self._held.keep_up()
            acting.prove_again(self._held.sessions)

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
