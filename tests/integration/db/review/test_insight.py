"""What the decisions so far tell."""

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from db.review import insight
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.review import flag, seed_questions


class TestTwoForums(TwoForums):
    module = insight
    calls: ClassVar[Calls] = {
        "count_done_today": lambda session, own: insight.count_done_today(
            session, own.id, "Ana stranger"
        ),
        "last_decision": lambda session, own: insight.last_decision(session, own.id),
        "last_event": lambda session, own: insight.last_event(session, own.id),
        "changes_since": lambda session, own: insight.changes_since(session, own.id, 0),
        "change_ids": lambda session, own: insight.change_ids(session, own.id, 0),
        "history": lambda session, own: insight.history(session, own.id),
        "history: of a person and a day": lambda session, own: insight.history(
            session, own.id, actor="Ana stranger", day=datetime.now(UTC).date()
        ),
        "judged": lambda session, own: insight.judged(session, own.id),
        "waiting_scores": lambda session, own: insight.waiting_scores(session, own.id),
        "summary": lambda session, own: insight.summary(session, own.id),
        "training_pairs": lambda session, own: insight.training_pairs(session, own.id, limit=10),
    }


def test_a_waiting_pair_is_in_the_range_that_begins_at_its_score(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(202)))
    for place in range(201):
        flag(session, seeded, place, place + 1, score=place / 200)

    counts = insight.waiting_scores(session, seeded.forum.id, bins=200)

    assert counts == [*[1] * 199, 2]
