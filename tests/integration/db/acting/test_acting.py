"""The service decides alone only where that is proved, and never against a person."""

from typing import ClassVar

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from db.acting import alone, ladder, objections
from db.acting.ladder import Ladder
from db.actions import actions, vetoes
from db.actions.actions import ActionFilter
from db.actions.rows import ActionState
from db.actions.vetoes import Source
from db.deciding import decisions
from db.errors import InvalidInputError
from db.questions import saving
from db.review import insight
from db.rows import SERVICE, PairStatus, Rung
from db.tables.pairs import Pair
from db.tables.questions import Forum, Question
from db.tenants import forums
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.rows.factories import make_forum, new_question
from tests.rows.review import Seeded, flag, say, seed_questions
from worker import acting

Factory = sessionmaker[Session]
WANTED = Ladder(rung=Rung.ACT, grace_h=24, wanted_precision=0.9)


def _token(session: Session, own: Side) -> str:
    found = actions.list_actions(
        session, own.id, where=ActionFilter(states=list(ActionState), is_due=False)
    )
    return found[0].token


class TestAloneOfTwoForums(TwoForums):
    module = alone
    calls: ClassVar[Calls] = {
        "confirm": lambda session, own: alone.confirm(session, own.id, from_score=0.1),
        "take_back": lambda session, own: alone.take_back(session, own.id),
    }


class TestLadderOfTwoForums(TwoForums):
    module = ladder
    calls: ClassVar[Calls] = {
        "choose": lambda session, own: ladder.choose(
            session, own.forum, WANTED, act_threshold=0.5, actor="ana"
        )
    }


class TestObjectionsOfTwoForums(TwoForums):
    module = objections
    calls: ClassVar[Calls] = {
        "lift": lambda session, own: objections.lift(
            session, own.id, own.questions[1], Source.REOPENING
        ),
        "object_to": lambda session, own: objections.object_to(session, _token(session, own)),
        "confirm": lambda session, own: objections.confirm(
            session, own.id, own.action, ActionState.REVERTED
        ),
    }
    crossed: ClassVar[Crossed] = {
        "confirm": (
            lambda side: side.action,
            lambda session, own, thing: objections.confirm(
                session, own.id, thing, ActionState.REVERTED
            ),
        ),
    }


@pytest.fixture
def judged(sessions: Factory) -> Seeded:
    """Thirty pairs from 0.9 on that people found to be right, and ten wrong ones below."""
    with sessions.begin() as session:
        seeded = seed_questions(session, *(f"question {n}" for n in range(170)))
        for n in range(40):
            pair = flag(session, seeded, 2 * n, 2 * n + 1, score=0.99 if n < 35 else 0.6)
            if n < 30:
                say(session, seeded, pair)
            elif n >= 35:
                say(session, seeded, pair, PairStatus.NOT_DUPLICATE)
        flag(session, seeded, 168, 169, score=0.7)
    return seeded


def statuses(session: Session) -> dict[str, int]:
    found = list(session.execute(select(Pair.status).where(Pair.decided_by == SERVICE)).scalars())
    return {status: found.count(status) for status in set(found)}


def test_it_decides_from_the_score_that_the_decisions_prove_and_with_grace(
    sessions: Factory, judged: Seeded
) -> None:
    with sessions.begin() as session:
        session.execute(update(Pair).where(Pair.score > 0.9).values(score=0.95))
        for place in range(40, 80):
            say(session, judged, flag(session, judged, 2 * place, 2 * place + 1, score=0.95))
        row = acting.choose_ladder(session, judged.forum.name, WANTED, actor="ana")
    assert row.act_threshold == pytest.approx(0.95)

    acting.act(sessions)
    acting.settle(sessions)

    with sessions.begin() as session:
        assert statuses(session) == {"duplicate": 5}
        upcoming = actions.list_actions(
            session, judged.forum.id, where=ActionFilter(is_due=False), limit=500
        )
        now = actions.list_actions(session, judged.forum.id, where=ActionFilter(), limit=500)
        assert (len(upcoming), len(now)) == (75, 70)
        assert len(insight.judged(session, judged.forum.id)) == 75, "its own prove nothing"


def test_nothing_is_decided_where_nothing_is_proved(sessions: Factory, judged: Seeded) -> None:
    with sessions.begin() as session:
        row = acting.choose_ladder(
            session,
            judged.forum.name,
            Ladder(rung=Rung.ACT, grace_h=0, wanted_precision=0.99),
            actor="ana",
        )
    acting.act(sessions)

    assert row.act_threshold is None
    with sessions.begin() as session:
        assert statuses(session) == {}


def test_it_stops_when_decisions_no_longer_prove_it(sessions: Factory, judged: Seeded) -> None:
    with sessions.begin() as session:
        session.execute(update(Forum).values(rung=Rung.ACT, act_threshold=0.5))

    acting.prove_again(sessions)

    with sessions.begin() as session:
        assert forums.get_forum(session, judged.forum.name).act_threshold is None


@pytest.mark.parametrize("reason", ["decided before", "hidden", "vetoed"])
def test_some_pairs_are_left_to_people(session: Session, reason: str) -> None:
    seeded = seed_questions(session, "one", "two")
    pair = flag(session, seeded, 0, 1, score=0.99)
    if reason == "decided before":
        done = say(session, seeded, pair, PairStatus.NOT_DUPLICATE)
        decisions.undo(session, seeded.forum.id, done.id, actor="ana")
    elif reason == "hidden":
        session.execute(
            update(Question).where(Question.id == seeded.questions[0]).values(visible=False)
        )
    else:
        vetoes.put(session, seeded.forum.id, seeded.questions[1], Source.OBJECTION)

    assert alone.confirm(session, seeded.forum.id, from_score=0.5) == 0


def test_an_edit_takes_back_what_the_service_decided_alone(
    session: Session, sessions: Factory
) -> None:
    forum = make_forum(session)
    items = [new_question(f"Boil egg {n}?", external_id=str(n)) for n in (1, 2)]
    ids = [one.id for one in saving.save(session, forum, items, lane=Lane.LIVE)]
    seeded = Seeded(forum, ids)
    flag(session, seeded, 0, 1, score=0.99)
    assert alone.confirm(session, forum.id, from_score=0.5) == 1
    acting.settle(sessions)

    edited = new_question("Fry an egg?", external_id="2")
    saving.save(session, forum, [edited], lane=Lane.LIVE)
    acting.settle(sessions)

    assert session.execute(select(Pair.status)).scalar_one() == PairStatus.FLAGGED
    everything = ActionFilter(states=list(ActionState), is_due=False)
    (action,) = actions.list_actions(session, forum.id, where=everything)
    assert action.state is ActionState.VETOED


@pytest.mark.parametrize(("grace", "precision"), [(-1, 0.95), (10_000, 0.95), (1, 0.5), (1, 1.0)])
def test_a_ladder_that_cannot_be_is_refused(
    session: Session, grace: float, precision: float
) -> None:
    forum = make_forum(session)
    wanted = Ladder(rung=Rung.QUEUE, grace_h=grace, wanted_precision=precision)

    with pytest.raises(InvalidInputError):
        ladder.choose(session, forum, wanted, act_threshold=None, actor="ana")


def test_any_moderator_takes_back_what_the_service_decided(session: Session) -> None:
    seeded = seed_questions(session, "one", "two")
    flag(session, seeded, 0, 1, score=0.99)
    alone.confirm(session, seeded.forum.id, from_score=0.5)
    last = decisions.find_last_decision(
        session, seeded.forum.id, session.execute(select(Pair.id)).scalar_one()
    )
    assert last is not None

    decisions.undo(session, seeded.forum.id, last, actor="ben")

    assert session.execute(select(Pair.status)).scalar_one() == PairStatus.FLAGGED
    assert alone.confirm(session, seeded.forum.id, from_score=0.5) == 0, "a person has spoken"
