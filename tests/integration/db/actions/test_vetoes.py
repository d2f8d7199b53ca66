"""Questions of two forums that the service leaves alone."""

from typing import ClassVar

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.actions import vetoes
from db.actions.rows import ActionState, Kind
from db.actions.vetoes import REASON_LENGTH, Source
from db.tables.actions import Action
from db.tables.pairs import Event
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.review import Seeded, seed_questions


class TestTwoForums(TwoForums):
    module = vetoes
    calls: ClassVar[Calls] = {
        "put": lambda session, own: vetoes.put(session, own.id, own.question, Source.OBJECTION),
        "find": lambda session, own: vetoes.find(session, own.questions),
        "latest": lambda session, own: vetoes.latest(session, own.id, limit=9),
        "put_on_edit": lambda session, own: vetoes.put_on_edit(session, own.questions[1]),
    }


def eggs(session: Session, count: int = 3) -> Seeded:
    return seed_questions(session, *(f"How do I boil {n} eggs?" for n in range(count)))


def acted(session: Session, seeded: Seeded, kind: Kind, state: ActionState) -> int:
    """Store an action about the first question, and return the question's id."""
    values = {
        "forum_id": seeded.forum.id,
        "question_id": seeded.questions[0],
        "kind": kind,
        "state": state,
        "reason": "said so",
        "token": f"{kind}-{state}",
    }
    session.execute(insert(Action).values(values))
    return seeded.questions[0]


def sources(session: Session, seeded: Seeded) -> dict[int, Source]:
    found = vetoes.find(session, seeded.questions)
    return {seeded.questions.index(one): row.source for one, row in found.items()}


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (None, None),
        ("  ", None),
        (" it is about geese ", "it is about geese"),
        ("x" * 999, "x" * REASON_LENGTH),
    ],
)
def test_a_veto_keeps_its_reason_in_bounds(
    session: Session, reason: str | None, kept: str | None
) -> None:
    seeded = eggs(session)

    vetoes.put(session, seeded.forum.id, seeded.questions[1], Source.OBJECTION, reason=reason)

    assert vetoes.find(session, seeded.questions)[seeded.questions[1]].reason == kept


def test_the_latest_veto_of_a_question_counts_and_each_is_told(session: Session) -> None:
    seeded = eggs(session)
    for source in (Source.OBJECTION, Source.REOPENING):
        vetoes.put(session, seeded.forum.id, seeded.questions[0], source, reason=source)

    told = session.execute(
        select(Event.actor, Event.data).where(Event.kind == "question.vetoed").order_by(Event.id)
    ).all()

    assert sources(session, seeded) == {0: Source.REOPENING}
    assert [tuple(one) for one in told] == [
        ("objection", {"source": "objection"}),
        ("reopening", {"source": "reopening"}),
    ]


def test_moderators_see_the_latest_first(session: Session) -> None:
    seeded = eggs(session)
    for one in (0, 2, 1, 0):
        vetoes.put(session, seeded.forum.id, seeded.questions[one], Source.OBJECTION)

    found = vetoes.latest(session, seeded.forum.id, limit=2)

    assert [one.title for one in found] == ["How do I boil 0 eggs?", "How do I boil 1 eggs?"]
    assert vetoes.latest(session, seeded.forum.id, limit=9)[2].title == "How do I boil 2 eggs?"


@pytest.mark.parametrize("state", [ActionState.OPEN, ActionState.APPLIED])
def test_a_question_that_is_edited_after_it_was_marked_is_left_alone(
    session: Session, state: ActionState
) -> None:
    seeded = eggs(session)
    question_id = acted(session, seeded, Kind.CLOSE, state)

    vetoes.put_on_edit(session, question_id)
    vetoes.put_on_edit(session, seeded.questions[1])

    assert sources(session, seeded) == {0: Source.EDIT}


def test_an_edit_after_it_was_opened_again_changes_nothing(session: Session) -> None:
    seeded = eggs(session)
    acted(session, seeded, Kind.CLOSE, ActionState.APPLIED)
    question_id = acted(session, seeded, Kind.REOPEN, ActionState.APPLIED)

    vetoes.put_on_edit(session, question_id)

    assert sources(session, seeded) == {}
