"""What follows when questions are stored."""

from sqlalchemy.orm import sessionmaker

from api.measuring.metrics import Metrics
from api.submitting.backpressure import Backlog
from api.submitting.finishes import Finishes
from api.submitting.store import Store
from db.questions.rows import Outcome, Saved
from db.work.rows import Lane
from tests.rows.records import forum_row
from tests.servers.api_service import NotingQueue


def make_store(queue: NotingQueue) -> Store:
    sessions = sessionmaker()
    return Store(
        sessions=sessions,
        single=sessions,
        backlog=Backlog(60),
        queue=queue,
        finishes=Finishes(queue),
        metrics=Metrics(sessions, queue, proof_s=60),
    )


def saved(outcome: Outcome, *, owes_work: bool) -> Saved:
    return Saved(id=1, external_id="q-1", outcome=outcome, owes_work=owes_work)


def test_a_worker_is_woken_once_for_all_that_wait() -> None:
    queue = NotingQueue()
    done = [saved(Outcome.CREATED, owes_work=True), saved(Outcome.CHANGED, owes_work=True)]

    assert make_store(queue).tell(forum_row(), done) == 2
    assert queue.woken == [Lane.LIVE]


def test_nobody_is_woken_for_questions_that_owe_no_work() -> None:
    queue = NotingQueue()

    assert make_store(queue).tell(forum_row(), [saved(Outcome.UNCHANGED, owes_work=False)]) == 0
    assert queue.woken == []


def test_each_question_is_counted_under_its_outcome() -> None:
    store = make_store(NotingQueue())
    done = [saved(Outcome.CREATED, owes_work=True)] * 3 + [saved(Outcome.OLDER, owes_work=False)]

    store.tell(forum_row(), done)

    counters = store.metrics.questions
    counts = {one: counters.labels(one)._value.get() for one in Outcome}  # noqa: SLF001
    assert counts[Outcome.CREATED] == 3
    assert counts[Outcome.OLDER] == 1
    assert counts[Outcome.UNCHANGED] == 0
