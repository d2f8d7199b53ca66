"""Empties a lane: claims a batch, works on it, and isolates what makes a batch fail."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from db.engine import Sessions
from db.errors import TransientError
from db.work import jobs
from db.work.rows import Claimed, Lane
from worker.inference.cascade import next_budget
from worker.queue import Queue

FIRST_BUDGET = 512
_SUSPECT_ATTEMPTS = 3
"""From this attempt on a question is worked on alone: its neighbours may be innocent."""

log = structlog.get_logger()

Process = Callable[[Sequence[Claimed], UUID], None]


class Drain:
    """Works on one lane, in batches that grow and shrink with the speed of this machine."""

    def __init__(
        self,
        lane: Lane,
        *,
        sessions: Sessions,
        queue: Queue,
        slice_s: float,
        token_budget: int,
        claim_limit: int,
        lease_s: float,
    ) -> None:
        self._lane = lane
        self._sessions = sessions
        self._queue = queue
        self._slice_s = slice_s
        self._cap = token_budget
        self._limit = claim_limit
        self._lease_s = lease_s
        self._budget = min(FIRST_BUDGET, token_budget)

    def run(self, process: Process) -> int:
        """Work for about one slice and return how many questions were claimed.

        What is left over then is left to the next message, so that a more urgent lane gets its
        turn and other workers can join in.
        """
        started, done, more = time.monotonic(), 0, True
        while more and time.monotonic() - started < self._slice_s:
            begun = time.monotonic()
            with self._sessions.begin() as session:
                claim = jobs.claim(
                    session,
                    self._lane,
                    token_budget=self._budget,
                    limit=self._limit,
                    lease_s=self._lease_s,
                )
            if claim.more:
                self._queue.wake(self._lane)
            self._work(claim.questions, claim.lease, process)
            done, more = done + len(claim.questions), claim.more
            if more:
                self._adapt(time.monotonic() - begun)
        return done

    def _adapt(self, took_s: float) -> None:
        self._budget = next_budget(
            self._budget, took_s=took_s, slice_s=self._slice_s, cap=self._cap
        )

    def _work(self, batch: Sequence[Claimed], lease: UUID, process: Process) -> None:
        parts = [[one] for one in batch if one.attempts >= _SUSPECT_ATTEMPTS]
        fresh = [one for one in batch if one.attempts < _SUSPECT_ATTEMPTS]
        try:
            for part in [fresh, *parts]:
                if part:
                    self._bisect(part, lease, process)
        except BaseException:
            # Asked to stop, out of time, or the database is away: give back what is not done.
            self._release(batch, lease)
            raise

    def _bisect(self, batch: Sequence[Claimed], lease: UUID, process: Process) -> None:
        try:
            process(batch, lease)
        except (TransientError, OperationalError, InterfaceError, MemoryError):
            raise  # not the questions' fault
        except Exception as error:  # noqa: BLE001  # whatever a question can break
            if len(batch) == 1:
                self._fail(batch[0], lease, error)
                return
            middle = len(batch) // 2
            self._bisect(batch[:middle], lease, process)
            self._bisect(batch[middle:], lease, process)

    def _fail(self, question: Claimed, lease: UUID, error: Exception) -> None:
        with self._sessions.begin() as session:
            aside = jobs.fail(session, lease, [question.id], f"{type(error).__name__}: {error}")
        # The error is kept in the row; a log line must not carry what may quote the question.
        log.warning(
            "question.failed",
            question_id=question.id,
            attempts=question.attempts,
            set_aside=bool(aside),
            error=type(error).__name__,
        )

    def _release(self, batch: Sequence[Claimed], lease: UUID) -> None:
        try:
            with self._sessions.begin() as session:
                jobs.release(session, lease, [question.id for question in batch])
        except (OperationalError, InterfaceError):
            log.warning("claim.release_failed", questions=len(batch))  # the lease runs out instead
