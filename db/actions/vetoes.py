"""Questions with a veto: somebody objected, or their text or state changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.actions import actions
from db.actions.rows import ActionState, Kind
from db.outbox.events import NewEvent, record
from db.tables.actions import Action, Veto
from db.tables.questions import Question

REASON_LENGTH = 500


class Source(StrEnum):
    """What made the service leave a question alone."""

    OBJECTION = "objection"
    """The asker says that it is a different question."""
    EDIT = "edit"
    """Its text was changed after it was marked."""
    REOPENING = "reopening"
    """The forum's people opened it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoRow:
    """Why the service leaves a question alone, and since when."""

    question_id: int
    source: Source
    reason: str | None
    created_at: datetime


def put(
    session: Session, forum_id: int, question_id: int, source: Source, *, reason: str | None = None
) -> None:
    """Leave a question alone from now on: only later decisions of people change anything."""
    values = {
        "source": source,
        "reason": (reason or "").strip()[:REASON_LENGTH] or None,
        "created_at": func.clock_timestamp(),
    }
    new = insert(Veto).values(question_id=question_id, forum_id=forum_id, **values)
    session.execute(new.on_conflict_do_update(index_elements=["question_id"], set_=values))
    actions.note_unsettled(session, forum_id, [question_id])
    event = NewEvent(
        forum_id=forum_id,
        kind="question.vetoed",
        actor=source,
        question_id=question_id,
        data={"source": source},
    )
    record(session, [event])


def find(session: Session, question_ids: Iterable[int]) -> dict[int, VetoRow]:
    """Return the vetoes of these questions, by question."""
    found = session.execute(
        select(Veto.question_id, Veto.source, Veto.reason, Veto.created_at).where(
            Veto.question_id.in_(list(question_ids))
        )
    )
    return {
        row["question_id"]: VetoRow(**{**row, "source": Source(row["source"])})
        for row in found.mappings()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A question that is left alone, as moderators see it."""

    title: str
    source: Source
    reason: str | None
    created_at: datetime


def latest(session: Session, forum_id: int, *, limit: int) -> list[LeftAlone]:
    """Return the questions with the latest objections in the forum, the latest first."""
    found = session.execute(
        select(Question.title, Veto.source, Veto.reason, Veto.created_at)
        .join(Question, Question.id == Veto.question_id)
        .where(Veto.forum_id == forum_id)
        .order_by(Veto.created_at.desc())
        .limit(limit)
    )
    return [LeftAlone(**{**row, "source": Source(row["source"])}) for row in found.mappings()]


def put_on_edit(session: Session, question_id: int) -> None:
    """Leave an edited question alone, if an action about it was done or is due."""
    last = session.execute(
        select(Action.kind, Action.forum_id)
        .where(
            Action.question_id == question_id,
            Action.state.in_((ActionState.OPEN, ActionState.APPLIED)),
        )
        .order_by(Action.id.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and last.kind != Kind.REOPEN:
        put(session, last.forum_id, question_id, Source.EDIT)
