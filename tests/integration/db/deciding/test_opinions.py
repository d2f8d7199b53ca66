"""For a share of the decisions another moderator decides blindly; both see a difference."""

from collections.abc import Iterator
from http import HTTPStatus
from itertools import combinations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from db.deciding import bulk, decisions, opinions
from db.deciding.opinions import MOST, AnsweredAlreadyError, OwnDecisionError
from db.errors import InvalidInputError, NotFoundError
from db.review import attention, insight
from db.review.queue import QueueFilter
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.review import SecondOpinion
from db.tenants.people import Role
from tests.rows.review import PASSWORD, Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]
HTML = {"Accept": "text/html"}
DUPLICATE, NOT_DUPLICATE = PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        made = seed_questions(session, *(f"How do I boil egg {n}" for n in range(12)))
        make_person(session, made.forum, "Ana", Role.ADMIN)
        make_person(session, made.forum, "Ben")
        opinions.set_share(session, made.forum.id, MOST)
    return made


@pytest.fixture
def pairs(session: Session, seeded: Seeded) -> list[int]:
    return [flag(session, seeded, *ends) for ends in combinations(range(12), 2)]


@pytest.fixture
def asked(session: Session, seeded: Seeded, pairs: list[int]) -> int:
    """A second opinion that is waited for on a decision of Ben's; its id."""
    drawn = next(pair for pair in pairs if opinions.place(pair) < MOST)
    say(session, seeded, drawn, NOT_DUPLICATE, actor="Ben")
    return session.execute(select(SecondOpinion.id)).scalar_one()


def waiting(session: Session, seeded: Seeded, holder: str) -> list[int]:
    return [one.id for one in opinions.list_asked(session, seeded.forum.id, holder)]


def test_lots_are_the_same_for_ever_and_spread_evenly() -> None:
    lots = [opinions.place(pair) for pair in range(1, 10_001)]

    assert lots[:3] == [opinions.place(pair) for pair in (1, 2, 3)]
    assert all(0 <= lot < 1 for lot in lots)
    assert sum(lot < 0.03 for lot in lots) == pytest.approx(300, abs=60)


@pytest.mark.parametrize("share", [MOST, 0.05, 0.0])
def test_the_forums_share_of_the_decisions_is_asked_about(
    session: Session, seeded: Seeded, pairs: list[int], share: float
) -> None:
    opinions.set_share(session, seeded.forum.id, share)
    for pair in pairs:
        say(session, seeded, pair, NOT_DUPLICATE)

    found = session.execute(select(SecondOpinion.pair_id)).scalars()

    assert set(found) == {pair for pair in pairs if opinions.place(pair) < share}


def test_a_bulk_decision_is_asked_about_no_more_than_the_share(
    session: Session, seeded: Seeded, pairs: list[int]
) -> None:
    drawn = [pair for pair in pairs if opinions.place(pair) < MOST]
    session.execute(delete(Pair).where(Pair.id.not_in([*drawn, *pairs[:5]])))
    left = session.execute(select(Pair.id)).scalars().all()
    forum, where = seeded.forum.id, QueueFilter(min_score=0.1)

    bulk.decide_all(session, forum, where, NOT_DUPLICATE, actor="Ben", up_to=10**9)

    found = session.execute(select(SecondOpinion.pair_id)).scalars().all()
    assert len(found) == min(len(drawn), int(MOST * len(left)))


def test_it_is_for_somebody_else_and_only_while_the_decision_stands(
    session: Session, seeded: Seeded, asked: int
) -> None:
    forum = seeded.forum.id
    assert waiting(session, seeded, "Ben") == []
    assert waiting(session, seeded, "Ana") == [asked]
    with pytest.raises(OwnDecisionError):
        opinions.answer(session, forum, asked, DUPLICATE, actor="Ben")

    pair = opinions.get_asked(session, forum, asked, holder="Ana")
    attention.skip(session, forum, [pair], holder="Ana")
    assert waiting(session, seeded, "Ana") == []
    attention.unskip(session, seeded.forum.id, holder="Ana")
    decision = decisions.get_last_decision(session, forum, pair)
    decisions.undo(session, forum, decision, actor="Ben")

    assert waiting(session, seeded, "Ana") == []
    with pytest.raises(AnsweredAlreadyError):
        opinions.answer(session, forum, asked, DUPLICATE, actor="Ana")


def test_an_answer_is_recorded_once_and_overrules_nothing(
    session: Session, seeded: Seeded, asked: int
) -> None:
    forum = seeded.forum.id
    pair = opinions.get_asked(session, forum, asked, holder="Ana")

    assert opinions.answer(session, forum, asked, NOT_DUPLICATE, actor="Ana") is True
    with pytest.raises(AnsweredAlreadyError):
        opinions.answer(session, forum, asked, DUPLICATE, actor="Cleo")
    found = insight.summary(session, forum)
    assert (found.agreed, found.compared) == (1, 1)
    opinions.take_back(session, forum, asked, actor="Ana")
    assert opinions.answer(session, forum, asked, DUPLICATE, actor="Ana", note="Eggs!") is False

    stands = session.execute(select(Pair.status, Pair.version).where(Pair.id == pair)).one()
    assert tuple(stands) == ("not_duplicate", 2)
    found = insight.summary(session, forum)
    assert (found.agreed, found.compared) == (0, 1)
    tally = opinions.tally(session, forum)
    assert (tally.agreed, tally.answered, tally.waiting) == (0, 1, 0)


def test_a_difference_is_put_to_the_two_and_to_admins_until_it_is_settled(
    session: Session, seeded: Seeded, asked: int
) -> None:
    forum = seeded.forum.id
    opinions.answer(session, forum, asked, DUPLICATE, actor="Ana", note="Both are eggs")

    def seen(actor: str, *, is_admin: bool = False) -> list[tuple[str, str]]:
        found = opinions.list_differing(session, forum, actor=actor, is_admin=is_admin)
        count = opinions.count_differing(session, forum, actor=actor, is_admin=is_admin)
        assert count == len(found)
        return [(one.first, one.second) for one in found]

    both = [("not_duplicate", "duplicate")]
    assert seen("Ana") == seen("Ben") == seen("Root", is_admin=True) == both
    assert seen("Cleo") == []
    with pytest.raises(NotFoundError):
        opinions.settle(session, forum, asked, actor="Cleo", is_admin=False)
    opinions.settle(session, forum, asked, actor="Ben", is_admin=False)
    assert seen("Ana") == seen("Root", is_admin=True) == []


def test_a_new_decision_settles_a_difference(session: Session, seeded: Seeded, asked: int) -> None:
    forum = seeded.forum.id
    pair = opinions.get_asked(session, forum, asked, holder="Ana")
    opinions.answer(session, forum, asked, DUPLICATE, actor="Ana")

    say(session, seeded, pair, DUPLICATE, actor="Ben")

    assert opinions.list_differing(session, forum, actor="Ben", is_admin=True) == []


def test_the_share_has_bounds(session: Session, seeded: Seeded) -> None:
    for share in (-0.1, MOST + 0.01):
        with pytest.raises(InvalidInputError, match=r"0 to 20 %"):
            opinions.set_share(session, seeded.forum.id, share)


@pytest.fixture
def client(sessions: Factory, seeded: Seeded) -> Iterator[TestClient]:
    assert seeded.questions
    with make_client(sessions, None) as client:
        client.follow_redirects = False
        sign_in(client, "Ana")
        yield client


def sign_in(client: TestClient, name: str) -> None:
    client.post("/console/sign-in", data={"name": name, "secret": PASSWORD}, headers=HTML)
    page = client.get("/console/cooks/review", headers=HTML).text
    client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]


def test_the_page_of_a_second_opinion_is_blind(client: TestClient, asked: int) -> None:
    queue = client.get("/console/cooks/review", headers=HTML).text
    page = client.get(f"/console/cooks/second/{asked}", headers=HTML)
    stage = client.get(f"/console/cooks/second/{asked}/stage").text

    assert f"/console/cooks/second/{asked}" in queue
    assert page.status_code == HTTPStatus.OK
    assert "A second opinion." in stage
    assert "Ben" not in stage
    assert "decided:" not in stage


def test_answers_and_differences_through_the_pages(client: TestClient, asked: int) -> None:
    path = f"/console/cooks/second/{asked}"

    answered = client.post(f"{path}/answer", data={"status": "duplicate", "note": "Eggs"})
    again = client.post(f"{path}/answer", data={"status": "duplicate"})
    history = client.get("/console/cooks/history", headers=HTML).text
    settled = client.post(f"{path}/settle", headers=HTML)
    after = client.get("/console/cooks/history", headers=HTML).text

    assert answered.json() == {"undo": f"/second/{asked}/undo"}
    assert again.status_code == HTTPStatus.CONFLICT
    assert "Two different decisions" in history
    assert "Keep “not the same”" in history
    assert settled.status_code == HTTPStatus.SEE_OTHER
    assert "Two opinions" not in after


def test_an_admin_chooses_the_share(client: TestClient, sessions: Factory, seeded: Seeded) -> None:
    saved = client.post("/console/cooks/insight/second-opinions", data={"percent": "5"})
    page = client.get("/console/cooks/insight", headers=HTML).text
    with make_client(sessions, None) as ben:
        sign_in(ben, "Ben")
        refused = ben.post("/console/cooks/insight/second-opinions", data={"percent": "1"})

    assert saved.status_code == HTTPStatus.SEE_OTHER
    assert 'value="5"' in page
    assert refused.status_code == HTTPStatus.FORBIDDEN
    with sessions.begin() as session:
        assert opinions.get_share(session, seeded.forum.id) == pytest.approx(0.05)
