"""What a browser is told of colleagues: once each, and only what is new."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from api.console.entering.access import Reviewer, Visitor
from api.console.reviewing.live import Watch
from db.review import attention
from db.rows import PairStatus
from db.tenants.people import Role
from tests.review import Seeded, flag, make_person, say, seed_questions

Factory = sessionmaker[Session]


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        return seed_questions(session, *(f"How do I boil egg {n}" for n in range(4)))


def watch(sessions: Factory, seeded: Seeded, last: int | None = None) -> Watch:
    with sessions.begin() as session:
        person = make_person(session, seeded.forum, "ana")
    visitor = Visitor(person=person, token="t", csrf="c")  # noqa: S106  # no secret
    reviewer = Reviewer(visitor=visitor, forum=seeded.forum, role=Role.MODERATOR)
    return Watch(sessions, reviewer, last)


def decide(sessions: Factory, seeded: Seeded, pair: int, actor: str) -> None:
    with sessions.begin() as session:
        say(session, seeded, pair, PairStatus.RELATED, actor=actor)


def test_a_colleagues_decision_is_told_once(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        first, second = flag(session, seeded, 0, 1), flag(session, seeded, 2, 3)
    watching = watch(sessions, seeded)
    opening = watching.look()
    decide(sessions, seeded, first, "ben")
    decide(sessions, seeded, second, "ana")

    news = watching.look()

    assert opening is not None
    assert (opening["changes"], opening["waiting"]) == ([], 2)
    assert news is not None
    told = {c["pair"]: (c["status"], c["by"], c["mine"]) for c in news["changes"]}
    assert told == {first: ("related", "ben", False), second: ("related", "ana", True)}
    assert (news["waiting"], news["done"]) == (0, 1)
    assert watching.look() is None


def test_a_new_stream_goes_on_where_the_last_one_ended(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        pair = flag(session, seeded, 0, 1)
    before = watch(sessions, seeded)
    before.look()
    decide(sessions, seeded, pair, "ben")

    news = watch(sessions, seeded, before.last).look()

    assert news is not None
    assert [change["pair"] for change in news["changes"]] == [pair]


def test_claims_of_others_come_and_go(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        pair = flag(session, seeded, 0, 1)
    watching = watch(sessions, seeded)
    watching.look()
    with sessions.begin() as session:
        attention.claim(
            session, seeded.forum.id, [pair], holder="ben", lifetime=timedelta(minutes=1)
        )

    taken = watching.look()
    with sessions.begin() as session:
        attention.release(session, seeded.forum.id, holder="ben")
    given_back = watching.look()

    assert taken is not None
    assert taken["claims"] == {str(pair): "ben"}
    assert given_back is not None
    assert given_back["claims"] == {}
