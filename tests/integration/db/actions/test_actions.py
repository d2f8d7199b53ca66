"""What two forums are to carry out."""

from operator import attrgetter
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.actions import actions
from db.actions.actions import ActionFilter
from db.actions.rows import ActionState
from db.tables.actions import Action
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums

_APPLIED, _FAILED = ActionState.APPLIED, ActionState.FAILED


def _token(session: Session, own: Side) -> str:
    return session.execute(select(Action.token).where(Action.id == own.action)).scalar_one()


class TestTwoForums(TwoForums):
    module = actions
    calls: ClassVar[Calls] = {
        "list_actions": lambda session, own: actions.list_actions(
            session, own.id, where=ActionFilter(states=list(ActionState), is_due=False)
        ),
        "get": lambda session, own: actions.get(session, own.id, own.action),
        "find_by_token": lambda session, own: actions.find_by_token(session, _token(session, own)),
        "confirm": lambda session, own: actions.confirm(session, own.id, own.action, _APPLIED),
        "question_of": lambda session, own: actions.question_of(session, own.id, own.action),
        "note_unsettled": lambda session, own: actions.note_unsettled(
            session, own.id, own.questions
        ),
        "note_group": lambda session, own: actions.note_group(session, own.question),
        "send_again": lambda session, own: actions.send_again(session, own.id, own.action),
    }
    crossed: ClassVar[Crossed] = {
        "get": (
            attrgetter("action"),
            lambda session, own, thing: actions.get(session, own.id, thing),
        ),
        "confirm": (
            attrgetter("action"),
            lambda session, own, thing: actions.confirm(session, own.id, thing, _FAILED),
        ),
        "question_of": (
            attrgetter("action"),
            lambda session, own, thing: actions.question_of(session, own.id, thing),
        ),
        "send_again": (
            attrgetter("action"),
            lambda session, own, thing: actions.send_again(session, own.id, thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"due", "totals"})
