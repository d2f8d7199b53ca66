"""How far the service may go in a forum: rung, grace time, and the precision to prove."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.actions import actions
from db.actions.rows import ActionState
from db.errors import InvalidInputError
from db.outbox.events import NewEvent, record
from db.rows import Rung
from db.tables.actions import Action
from db.tenants import forums
from db.tenants.rows import ForumRow

LEAST_PRECISION = 0.9
LONGEST_GRACE_H = 24 * 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The settings of a forum that say what may be done there."""

    rung: Rung
    grace_h: float
    wanted_precision: float


def choose(
    session: Session, forum: ForumRow, wanted: Ladder, *, act_threshold: float | None, actor: str
) -> ForumRow:
    """Use a ladder from now on; earlier actions in the forum stay.

    *act_threshold* is the score from which the decisions prove the wanted precision. Raises
    `InvalidInputError`.
    """
    if not LEAST_PRECISION <= wanted.wanted_precision < 1:
        raise InvalidInputError(f"a precision is at least {LEAST_PRECISION} and below 1")
    if not 0 <= wanted.grace_h <= LONGEST_GRACE_H:
        raise InvalidInputError(f"the grace time must be 0 to {LONGEST_GRACE_H} hours")
    waiting = select(Action.question_id).where(
        Action.forum_id == forum.id, Action.state == ActionState.OPEN
    )
    actions.note_unsettled(session, forum.id, list(session.execute(waiting).scalars()))
    data: dict[str, object] = {"rung": wanted.rung, "was": forum.rung}
    event = NewEvent(forum_id=forum.id, kind="forum.ladder", actor=actor, data=data)
    record(session, [event])
    return forums.update_forum(
        session,
        forum.name,
        rung=wanted.rung,
        grace_h=round(wanted.grace_h, 3),
        wanted_precision=wanted.wanted_precision,
        act_threshold=act_threshold if wanted.rung is Rung.ACT else None,
        observe_only=wanted.rung is Rung.LOG,
    )
