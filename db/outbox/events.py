"""What happened, in order. Events never hold a question's text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db.tables.pairs import Event


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
    session.execute(
        insert(Event),
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
