"""What happened, in order."""

from typing import ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db.outbox import deliveries, events, webhooks
from db.outbox.events import NewEvent
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum

Factory = sessionmaker[Session]


class TestTwoForums(TwoForums):
    module = events
    calls: ClassVar[Calls] = {
        "record": lambda session, own: events.record(
            session,
            [NewEvent(forum_id=own.id, kind="pair.flagged", actor="ana", pair_id=own.flagged)],
        ),
        "traces_of": lambda session, own: events.traces_of(session, [own.flagged]),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"forget_old"})


def make_old(session: Session, days: int) -> None:
    for table in ("events", "webhook_deliveries"):
        session.execute(
            text(f"UPDATE {table} SET created_at = now() - make_interval(days => :days)"),  # noqa: S608
            {"days": days},
        )


def kinds(session: Session) -> list[str]:
    return list(session.execute(text("SELECT kind FROM events ORDER BY id")).scalars())


def test_old_events_and_deliveries_are_deleted_in_pieces(sessions: Factory) -> None:
    with sessions.begin() as session:
        forum = make_forum(session, "cooks")
        hook = webhooks.create(session, forum.id, url="https://a.example", kinds=["pair.flagged"])
        old = [NewEvent(forum_id=forum.id, kind="pair.flagged", actor="ana") for _ in range(7)]
        events.record(session, old)
        session.execute(text("UPDATE webhook_deliveries SET delivered_at = now()"))
        make_old(session, 40)
        events.record(session, [NewEvent(forum_id=forum.id, kind="pair.decided", actor="ana")])
        first = deliveries.forget_old(session, days=30, limit=5)

        gone = deliveries.forget_old(session, days=30, limit=5)
        kept = events.forget_old(session, days=50, limit=100)
        pieces = [events.forget_old(session, days=30, limit=4) for _ in range(3)]

        assert (first, gone, kept, pieces) == (5, 2, 0, [4, 3, 0])
        assert kinds(session) == ["pair.decided"]
        assert deliveries.log(session, hook.id) == []


def test_an_event_that_a_webhook_waits_for_stays(sessions: Factory) -> None:
    with sessions.begin() as session:
        forum = make_forum(session, "cooks")
        webhooks.create(session, forum.id, url="https://a.example", kinds=["pair.flagged"])
        for kind in ("pair.flagged", "pair.decided"):
            events.record(session, [NewEvent(forum_id=forum.id, kind=kind, actor="ana")])
        make_old(session, 40)

        events.forget_old(session, days=30, limit=100)

        assert kinds(session) == ["pair.flagged"]
