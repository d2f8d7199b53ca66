"""What storing questions needs of this process, and what follows after each commit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from api.measuring.metrics import Metrics
from api.submitting.backpressure import Backlog
from api.submitting.finishes import Finishes
from db.engine import Sessions
from db.questions.rows import Saved
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where one process stores questions, and whom it tells about them."""

    sessions: Sessions
    single: Sessions
    """For work that is done in one statement, which needs no transaction around it."""
    backlog: Backlog
    queue: Queue
    finishes: Finishes
    metrics: Metrics
    is_traced: bool = False

    def admit(self, session: Session, forum: ForumRow) -> None:
        """Raise `BackpressureError` if too many questions of the forum wait."""
        self.backlog.admit(session, forum)

    def tell(self, forum: ForumRow, saved: Sequence[Saved]) -> int:
        """Tell workers and counters what was stored, after its commit; return how many wait."""
        owed = sum(one.owes_work for one in saved)
        if owed:
            self.backlog.add(forum.id, owed)
            self.queue.wake(Lane.LIVE)
        for outcome, count in Counter(one.outcome for one in saved).items():
            self.metrics.questions.labels(outcome).inc(count)
        return owed
