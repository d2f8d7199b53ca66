"""The work of one forum is nothing to another."""

from typing import ClassVar
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.tables.questions import Job
from db.work import jobs
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, Side, TwoForums


def _claim(session: Session, own: Side) -> UUID:
    """Hold the jobs of the own forum alone."""
    lease = uuid4()
    session.execute(update(Job).where(Job.forum_id == own.id).values(lease=lease))
    return lease


class TestTwoForums(TwoForums):
    module = jobs
    calls: ClassVar[Calls] = {
        "put": lambda session, own: jobs.put(
            session, [(own.question, 5)], forum_id=own.id, lane=Lane.LIVE
        ),
        "traces": lambda session, own: jobs.traces(session, own.questions),
        "release": lambda session, own: jobs.release(session, _claim(session, own), own.questions),
        "fail": lambda session, own: jobs.fail(session, _claim(session, own), own.questions, "no"),
        "set_aside": lambda session, own: jobs.set_aside(
            session, own.question, text_version=1, error="no"
        ),
        "retry": lambda session, own: jobs.retry(session, own.id),
        "count_pending": lambda session, own: jobs.count_pending(session, own.id, Lane.LIVE, cap=6),
        "drain_rate": lambda session, own: jobs.drain_rate(session, own.id, Lane.LIVE),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset(
        {"claim", "set_aside_crashed", "lanes_due", "counts", "forget_throughput"}
    )
