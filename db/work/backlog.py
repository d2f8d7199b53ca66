"""How many questions wait and for how long, over all forums, for metrics."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.tables.questions import Job


def oldest_due_s(session: Session) -> Mapping[str, float]:
    """Return for each lane for how many seconds its longest waiting due question has been owed."""
    now = func.clock_timestamp()
    age_s = func.extract("epoch", now - func.min(Job.created_at))
    found = session.execute(
        select(Job.lane, age_s).where(Job.failed_at.is_(None), Job.due_at <= now).group_by(Job.lane)
    )
    return {row[0]: float(row[1]) for row in found}
