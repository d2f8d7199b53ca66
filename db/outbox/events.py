"""What happened, in order. Events never hold a question's text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.tables.pairs import Event
from db.tables.review import Delivery

_INSERT = insert(Event.__table__)  # type: ignore[arg-type]  # Alembic has it as a Table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be stored; ``kind`` is a stable dotted name."""

    forum_id: int
    kind: str
    actor: str
    question_id: int | None = None
    pair_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)


def record(session: Session, events: Sequence[NewEvent]) -> None:
    """Store the events, in the transaction of the change that they report."""
    if not events:
        return
    session.connection().execute(
        _INSERT,
        [
            {
                "forum_id": event.forum_id,
                "kind": event.kind,
                "actor": event.actor,
                "question_id": event.question_id,
                "pair_id": event.pair_id,
                "data": dict(event.data),
            }
            for event in events
        ],
    )


def traces_of(session: Session, pair_ids: Sequence[int]) -> list[str]:
    """Return the traces in which these pairs were flagged, if any."""
    found = session.execute(
        select(Event.trace)
        .where(Event.pair_id.in_(pair_ids), Event.kind == "pair.flagged", Event.trace.is_not(None))
        .distinct()
    )
    return [trace for trace in found.scalars() if trace is not None]


def forget_old(session: Session, *, days: int, limit: int) -> int:
    """Delete up to *limit* of the oldest events that are older, and return how many.

    An event that a webhook still waits for stays.
    """
    waits = (
        select(Delivery.id)
        .where(
            Delivery.event_id == Event.id,
            Delivery.delivered_at.is_(None),
            Delivery.given_up_at.is_(None),
        )
        .exists()
    )
    oldest = select(Event.id, Event.created_at).order_by(Event.id).limit(limit).subquery()
    gone = session.execute(
        delete(Event)
        .where(
            Event.id.in_(select(oldest.c.id)),
            Event.created_at < func.now() - timedelta(days=days),
            ~waits,
        )
        .returning(Event.id)
    )
    return len(gone.all())
