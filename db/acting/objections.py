"""After an objection, or when a question was opened again, people look at its decisions again."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from db.actions import actions, vetoes
from db.actions.rows import ActionRow, ActionState
from db.actions.vetoes import Source
from db.deciding import decisions
from db.deciding.decisions import StaleVersionError
from db.errors import ConflictError
from db.groups import groups
from db.rows import PairStatus
from db.tables.pairs import Pair

_ACTORS = {Source.OBJECTION: "asker", Source.EDIT: "asker", Source.REOPENING: "forum"}
_OVER = (ActionState.REVERTED, ActionState.VETOED)


class ObjectedAlreadyError(ConflictError):
    """There is nothing left to object to."""


def lift(
    session: Session,
    forum_id: int,
    question_id: int,
    source: Source,
    *,
    reason: str | None = None,
) -> int:
    """Put a question's confirmed pairs before people again, and return how many.

    From then on the service does nothing about it by itself; later decisions of people count.
    """
    groups.lock(session, forum_id)
    vetoes.put(session, forum_id, question_id, source, reason=reason)
    confirmed = session.execute(
        select(Pair.id)
        .where(
            or_(Pair.low_id == question_id, Pair.high_id == question_id),
            Pair.forum_id == forum_id,
            Pair.status == PairStatus.DUPLICATE,
        )
        .order_by(Pair.id)
    )
    return sum(
        _reopen(session, forum_id, pair_id, _ACTORS[source]) for pair_id in confirmed.scalars()
    )


def _reopen(session: Session, forum_id: int, pair_id: int, actor: str) -> bool:
    last = decisions.find_last_decision(session, forum_id, pair_id)
    if last is None:
        return False  # the forum's own link, read from its archive
    try:
        decisions.undo(session, forum_id, last, actor=actor, is_admin=True)
    except StaleVersionError:
        return False
    return True


def object_to(session: Session, token: str, *, reason: str | None = None) -> ActionRow | None:
    """Save an asker's objection; return its action, or None for an unknown address.

    Raises `ObjectedAlreadyError`.
    """
    found = actions.find_by_token(session, token)
    if found is None:
        return None
    forum_id, question_id, action = found
    if action.state in _OVER:
        raise ObjectedAlreadyError
    lift(session, forum_id, question_id, Source.OBJECTION, reason=reason)
    return action


def confirm(
    session: Session,
    forum_id: int,
    action_id: int,
    state: ActionState,
    *,
    reason: str | None = None,
) -> ActionRow:
    """Save a forum's report on an action; a question that its people opened again gets a veto.

    Raises `NotFoundError` and `InvalidInputError`.
    """
    groups.lock(session, forum_id)
    question_id = actions.question_of(session, forum_id, action_id)
    row, is_news = actions.confirm(session, forum_id, action_id, state, reason=reason)
    if is_news and state is ActionState.REVERTED:
        lift(session, forum_id, question_id, Source.REOPENING, reason=reason)
    return row
