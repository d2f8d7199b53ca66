"""Queries on actions: listed, confirmed by the forum, sent again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.actions.rows import ActionRow, ActionState, Kind
from db.errors import ConflictError, InvalidInputError, NotFoundError
from db.outbox.events import NewEvent, record
from db.tables.actions import Action, Unsettled
from db.tables.questions import Question
from db.tables.review import GroupMember

REASON_LENGTH = 500
_UNDONE = (ActionState.OPEN, ActionState.FAILED)


class NotRepeatableError(ConflictError):
    """Only an action that failed, or that is still open, can be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFilter:
    """Which actions to return."""

    states: Sequence[ActionState] = (ActionState.OPEN,)
    is_due: bool = True
    """Only those that can be carried out now."""

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions for WHERE."""
        clauses: list[ColumnElement[bool]] = [Action.state.in_(self.states)]
        if self.is_due:
            clauses.append(or_(Action.state != ActionState.OPEN, due()))
        return clauses


def due() -> ColumnElement[bool]:
    """Return the condition that an open action can be carried out now.

    A question is not closed for one that is itself closed there: that one is reopened first.
    """
    other = aliased(Action)
    last = (
        select(other.kind)
        .where(
            other.question_id == Action.canonical_id,
            other.state == ActionState.APPLIED,
            other.kind.in_((Kind.CLOSE, Kind.REOPEN)),
        )
        .order_by(other.applied_at.desc(), other.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    is_free = or_(Action.kind != Kind.CLOSE, last.is_distinct_from(Kind.CLOSE))
    return and_(Action.due_at <= func.clock_timestamp(), is_free)


def _rows() -> Select[tuple[object, ...]]:
    question, canonical = aliased(Question), aliased(Question)
    own = ("id", "kind", "state", "pair_id", "reason", "token", "due_at", "applied_at")
    return (
        select(
            *(getattr(Action, name) for name in (*own, "created_at", "updated_at")),
            question.external_id.label("question_id"),
            question.title.label("question_title"),
            question.url.label("question_url"),
            canonical.external_id.label("canonical_id"),
            canonical.title.label("canonical_title"),
            canonical.url.label("canonical_url"),
        )
        .join(question, question.id == Action.question_id)
        .outerjoin(canonical, canonical.id == Action.canonical_id)
    )


def _read(session: Session, statement: Select[tuple[object, ...]]) -> list[ActionRow]:
    return [
        ActionRow(**{**row, "kind": Kind(row["kind"]), "state": ActionState(row["state"])})
        for row in session.execute(statement).mappings()
    ]


def list_actions(
    session: Session,
    forum_id: int,
    *,
    where: ActionFilter,
    after: int | None = None,
    limit: int = 100,
    newest_first: bool = False,
) -> list[ActionRow]:
    """Return the forum's actions with ids above *after*, by id."""
    statement = _rows().where(Action.forum_id == forum_id, *where.clauses())
    if after is not None:
        statement = statement.where(Action.id > after)
    order = Action.id.desc() if newest_first else Action.id
    return _read(session, statement.order_by(order).limit(limit))


def get(session: Session, forum_id: int, action_id: int) -> ActionRow:
    """Return an action; raises `NotFoundError`."""
    found = _read(session, _rows().where(Action.forum_id == forum_id, Action.id == action_id))
    if not found:
        raise NotFoundError(f"there is no action {action_id} in this forum")
    return found[0]


def find_by_token(session: Session, token: str) -> tuple[int, int, ActionRow] | None:
    """Return the forum, the question and the action of this address for objections."""
    ids = select(Action.id, Action.forum_id, Action.question_id).where(Action.token == token)
    found = session.execute(ids).one_or_none()
    if found is None:
        return None
    return found.forum_id, found.question_id, get(session, found.forum_id, found.id)


def question_of(session: Session, forum_id: int, action_id: int) -> int:
    """Return the question that an action is about; raises `NotFoundError`."""
    return _lock(session, forum_id, action_id).question_id


def confirm(
    session: Session,
    forum_id: int,
    action_id: int,
    state: ActionState,
    *,
    reason: str | None = None,
) -> tuple[ActionRow, bool]:
    """Save a forum's report on an action; return the action, and whether the report is new.

    If the forum did something that was no longer wanted, a new action takes it back. Raises
    `NotFoundError` and `InvalidInputError`.
    """
    if state not in {ActionState.APPLIED, ActionState.FAILED, ActionState.REVERTED}:
        raise InvalidInputError("an action is applied, failed or reverted")
    before = _lock(session, forum_id, action_id)
    if state is ActionState.REVERTED and before.kind == Kind.REOPEN:
        raise InvalidInputError("a reopening is applied or failed")
    said = (reason or "").strip()[:REASON_LENGTH] or None
    is_news = before.state != state or (state is ActionState.FAILED and before.reason != said)
    if is_news:
        _move(session, before, state, said)
    return get(session, forum_id, action_id), is_news


def _lock(session: Session, forum_id: int, action_id: int) -> Action:
    found = session.execute(
        select(Action)
        .where(Action.id == action_id, Action.forum_id == forum_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"there is no action {action_id} in this forum")
    return found


def _move(session: Session, action: Action, state: ActionState, reason: str | None) -> None:
    now = func.clock_timestamp()
    values: dict[str, object] = {"state": state, "reason": reason, "updated_at": now}
    if state is ActionState.APPLIED:
        values["applied_at"] = now
    if state is ActionState.FAILED:
        values |= {"tries": Action.tries + 1, "applied_at": None}
    session.execute(
        update(Action)
        .where(Action.id == action.id)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    note_unsettled(session, action.forum_id, [action.question_id])
    data: dict[str, object] = {"action_id": action.id, "state": state, "kind": action.kind}
    event = NewEvent(
        forum_id=action.forum_id,
        kind=f"action.{state}",
        actor="forum",
        question_id=action.question_id,
        data=data,
    )
    record(session, [event])


def note_unsettled(session: Session, forum_id: int, question_ids: Sequence[int]) -> None:
    """Note that something has changed about these questions.

    A note that exists already is locked: nobody takes it before this change is committed.
    """
    if question_ids:
        rows = [{"question_id": one, "forum_id": forum_id} for one in sorted(set(question_ids))]
        noted = insert(Unsettled).values(rows)
        held = {"forum_id": noted.excluded.forum_id}
        session.execute(noted.on_conflict_do_update(index_elements=["question_id"], set_=held))


def note_group(session: Session, question_id: int) -> None:
    """Note that something has changed about a question that others may be closed for."""
    own, member = aliased(GroupMember), aliased(GroupMember)
    found = session.execute(
        select(Question.forum_id, member.question_id)
        .join(own, own.question_id == Question.id)
        .join(member, member.group_id == own.group_id)
        .where(Question.id == question_id)
    ).all()
    if found:
        note_unsettled(session, found[0].forum_id, [row.question_id for row in found])


def send_again(session: Session, forum_id: int, action_id: int) -> ActionRow:
    """Make a failed action due again, and send it to the forum once more.

    Raises `NotFoundError` and `NotRepeatableError`.
    """
    action = _lock(session, forum_id, action_id)
    pending = select(Action.id).where(
        Action.question_id == action.question_id,
        Action.state == ActionState.OPEN,
        Action.id != action.id,
    )
    if action.state not in _UNDONE or session.execute(pending).first() is not None:
        raise NotRepeatableError
    now = func.clock_timestamp()
    values = {"state": ActionState.OPEN, "reason": None, "due_at": now, "told_at": None}
    session.execute(
        update(Action)
        .where(Action.id == action_id)
        .values(**values, tries=0, updated_at=now)
        .execution_options(synchronize_session=False)
    )
    return get(session, forum_id, action_id)


def totals(session: Session) -> dict[str, int]:
    """Return how many actions are open, and how many failed, in all forums."""
    found = session.execute(
        select(Action.state, func.count().label("total"))
        .where(Action.state.in_(_UNDONE))
        .group_by(Action.state)
    )
    return {row.state: row.total for row in found}
