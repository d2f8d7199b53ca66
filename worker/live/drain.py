"""Does the work of a lane: claims a batch, processes it, and isolates a question that fails.

If more than one batch is due, two are processed at the same time: while one is in the database, the
other is in the models. A question that is claimed alone may kill the process, so no second batch
runs beside it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from db.engine import Sessions
from db.work import jobs
from db.work.rows import Claim, Claimed, Lane
from worker.live.blame import BrokenModelError, is_moments_fault, reason
from worker.queue import Queue

FIRST_BUDGET = 512
_LEAST_BUDGET = 1
_SUSPECT_ATTEMPTS = 3
"""From this attempt on a question is processed alone, because it may make others fail."""

log = structlog.get_logger()

Process = Callable[[Sequence[Claimed], UUID], None]
Prove = Callable[[], object]
"""Raises an error if the models cannot run."""


class _Slice:
    """One slice: its function, the questions that are done, its end, and its second thread."""

    def __init__(self, process: Process, prove: Prove, *, length_s: float) -> None:
        self.process = process
        self.prove = prove
        self.done: list[int] = []
        self._until = time.monotonic() + length_s
        self._stopped = False
        self._second: Future[None] | None = None

    def is_over(self) -> bool:
        return self._stopped or time.monotonic() >= self._until

    def stop(self) -> None:
        """Let the second thread claim nothing more; it ends after its present batch."""
        self._stopped = True

    def share(self, work: Callable[["_Slice"], None]) -> None:
        """Start the second thread if it is not running."""
        if self._second is None or self._second.done():
            self.wait()
            self._second = Future()
            threading.Thread(target=self._run, args=(work, self._second), daemon=True).start()

    def _run(self, work: Callable[["_Slice"], None], result: "Future[None]") -> None:
        try:
            work(self)
            result.set_result(None)
        except BaseException as error:  # noqa: BLE001  # `wait` raises it
            result.set_exception(error)

    @property
    def is_shared(self) -> bool:
        return self._second is not None and not self._second.done()

    def wait(self) -> None:
        """Wait for the second thread, and raise its error if it failed."""
        if self._second is not None:
            self._second.result()


class Drain:
    """Does the work of one lane, in batches sized by the speed of this machine."""

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
        at_once: int = 1,
    ) -> None:
        self._at_once = at_once
        self._lane = lane
        self._sessions = sessions
        self._queue = queue
        self._slice_s = slice_s
        self._cap = token_budget
        self._limit = claim_limit
        self._lease_s = lease_s
        self._budget = min(FIRST_BUDGET, token_budget)

    def run(self, process: Process, *, prove: Prove = lambda: None) -> int:
        """Work for about one slice and return how many questions were claimed.

        The rest waits for the next message, so that a more urgent lane can go first and other
        workers can join. *prove* is called after a question failed alone. If *prove* raises, the
        models cannot run any more, and `BrokenModelError` is raised.
        """
        turn = _Slice(process, prove, length_s=self._slice_s)
        try:
            self._lead(turn)
            turn.wait()
        except BaseException:
            turn.stop()
            raise
        return sum(turn.done)

    def _lead(self, turn: _Slice) -> None:
        more = True
        while more and not turn.is_over():
            begun = time.monotonic()
            claim = self._claim()
            if _is_alone(claim):
                if turn.is_shared:
                    self._release(claim.questions, claim.lease)
                    turn.wait()
                    continue
            elif claim.more and self._at_once > 1:
                turn.share(self._follow)
            more = self._take(turn, claim, begun)

    def _follow(self, turn: _Slice) -> None:
        more = True
        while more and not turn.is_over():
            begun = time.monotonic()
            claim = self._claim()
            if _is_alone(claim):
                self._release(claim.questions, claim.lease)
                return
            more = self._take(turn, claim, begun)

    def _take(self, turn: _Slice, claim: Claim, begun: float) -> bool:
        """Process a claim and return whether there is more work."""
        if claim.more:
            self._queue.wake(self._lane)
        more = self._work(claim, turn.process, turn.prove) or claim.more
        turn.done.append(len(claim.questions))
        if claim.more:
            self._adapt(time.monotonic() - begun)
        return more

    def _claim(self) -> Claim:
        with self._sessions.begin() as session:
            return jobs.claim(
                session,
                self._lane,
                token_budget=self._budget,
                limit=self._limit,
                lease_s=self._lease_s,
            )

    def _adapt(self, took_s: float) -> None:
        self._budget = next_budget(
            self._budget, took_s=took_s, slice_s=self._slice_s, cap=self._cap
        )

    def _work(self, claim: Claim, process: Process, prove: Prove) -> bool:
        """Process the claimed questions and return whether suspects were left for the next claim.

        A suspect is a question that failed several times. It may kill this process, and then every
        question that the process has claimed loses an attempt. So one suspect is processed last,
        after the other suspects were given back.
        """
        fresh = [one for one in claim.questions if one.attempts < _SUSPECT_ATTEMPTS]
        suspects = [one for one in claim.questions if one.attempts >= _SUSPECT_ATTEMPTS]
        try:
            if suspects[1:]:
                self._release(suspects[1:], claim.lease)
            for part in (fresh, suspects[:1]):
                if part:
                    self._bisect(part, claim.lease, process, prove)
        except BaseException:
            # A requested stop, the time limit, or the database is down: give back the unfinished
            # questions. Claim fewer the next time, so that a slow question does not always delay
            # others.
            self._release(claim.questions, claim.lease)
            self._budget = max(_LEAST_BUDGET, self._budget // 4)
            raise
        return bool(suspects[1:])

    def _bisect(
        self, batch: Sequence[Claimed], lease: UUID, process: Process, prove: Prove
    ) -> None:
        try:
            process(batch, lease)
        except Exception as error:
            if is_moments_fault(error):
                raise
            if len(batch) == 1:
                self._fail(batch[0], lease, error)
                _check(prove)
                return
            middle = len(batch) // 2
            self._bisect(batch[:middle], lease, process, prove)
            self._bisect(batch[middle:], lease, process, prove)

    def _fail(self, question: Claimed, lease: UUID, error: Exception) -> None:
        with self._sessions.begin() as session:
            aside = jobs.fail(session, lease, [question.id], reason(error))
        # The error is stored in the row; it may quote the question, so it must not be logged.
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
        except DBAPIError:
            log.warning("claim.release_failed", questions=len(batch))  # the lease ends by itself


def _is_alone(claim: Claim) -> bool:
    return len(claim.questions) == 1


def _check(prove: Prove) -> None:
    try:
        prove()
    except Exception as error:
        if is_moments_fault(error):
            raise
        raise BrokenModelError from error


def next_budget(budget: int, *, took_s: float, slice_s: float, cap: int) -> int:
    """Return how many tokens to claim next so that a batch takes about *slice_s* seconds.

    One step changes the budget by a factor of two at most, so one odd measurement matters little.
    """
    wanted = budget * slice_s / max(took_s, 1e-3)
    return int(min(max(wanted, budget / 2, 64), budget * 2, cap))
