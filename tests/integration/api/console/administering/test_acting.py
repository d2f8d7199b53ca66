"""The Actions page, pairs by hand, what is asked most, and the asker's page for objections."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from db.acting import objections
from db.actions import actions, settling
from db.actions.actions import ActionFilter
from db.actions.rows import ActionRow, ActionState
from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.rows import PairStatus, Rung
from db.tables.pairs import Pair
from db.tenants import forums
from db.tenants.people import Role
from tests.integration.api.console.test_pages import HTML, post, sign_in
from tests.rows.review import Seeded, flag, make_person, say, seed_questions
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        made = seed_questions(session, *(f"How do I boil egg {n}" for n in range(4)))
        make_person(session, made.forum, "Ana", Role.ADMIN)
        say(session, made, flag(session, made, 0, 1))
    return made


@pytest.fixture
def client(sessions: Factory, seeded: Seeded) -> Iterator[TestClient]:
    assert seeded.questions
    with make_client(sessions, None) as client:
        sign_in(client, "Ana")
        yield client


def due(sessions: Factory, seeded: Seeded) -> list[ActionRow]:
    with sessions.begin() as session:
        settling.settle(session, seeded.forum.id)
        return actions.list_actions(session, seeded.forum.id, where=ActionFilter())


def show(client: TestClient, path: str) -> str:
    answer = client.get(f"/console/cooks/{path}", headers=HTML)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.text


def test_a_failure_is_shown_with_its_reason_and_sent_again(
    sessions: Factory, seeded: Seeded, client: TestClient
) -> None:
    (action,) = due(sessions, seeded)
    assert "How do I boil egg 1" in show(client, "actions")
    with sessions.begin() as session:
        objections.confirm(
            session, seeded.forum.id, action.id, ActionState.FAILED, reason="it is <locked>"
        )

    page = show(client, "actions")
    status, _ = post(client, f"actions/{action.id}/again")

    assert "it is &lt;locked&gt;" in page
    assert status == HTTPStatus.SEE_OTHER
    assert [one.id for one in due(sessions, seeded)] == [action.id]


def test_the_ladder_is_chosen_by_an_admin(sessions: Factory, client: TestClient) -> None:
    status, _ = post(client, "actions/ladder", rung="suggest", grace_hours="12", percent="95")

    assert status == HTTPStatus.SEE_OTHER
    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
    assert (forum.rung, forum.grace_h) == (Rung.SUGGEST, 12)
    assert forum.wanted_precision == pytest.approx(0.95)
    refused, _ = post(client, "actions/ladder", rung="act", grace_hours="1", percent="50")
    assert refused == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_asker_objects_by_the_address_alone(
    sessions: Factory, seeded: Seeded, client: TestClient
) -> None:
    (action,) = due(sessions, seeded)
    stranger = make_client(sessions, None)
    where = f"/objections/{action.token}"

    asked = stranger.get(where, headers=HTML)
    answers = [
        stranger.post(where, data={"reason": "mine is <fried>"}, headers=HTML) for _ in range(2)
    ]

    assert "How do I boil egg 0" in asked.text
    assert [answer.status_code for answer in answers] == [200, 200]
    assert due(sessions, seeded) == []
    with sessions.begin() as session:
        assert session.execute(select(Pair.status)).scalar_one() == PairStatus.FLAGGED
    assert "mine is &lt;fried&gt;" in show(client, "actions")
    assert stranger.get("/objections/none", headers=HTML).status_code == HTTPStatus.NOT_FOUND


def test_two_questions_are_paired_by_hand(client: TestClient) -> None:
    status, where = post(
        client, "by-hand", one="q-3", other="https://forum.example/q/4", status="duplicate"
    )
    unknown, _ = post(client, "by-hand", one="q-3", other="q-99", status="duplicate")

    assert status == HTTPStatus.SEE_OTHER
    assert where.startswith("/console/cooks/review/")
    assert unknown == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("sort", ["size", "growth"])
def test_what_is_asked_most_is_a_page(client: TestClient, sort: str) -> None:
    assert "How do I boil egg 0" in show(client, f"faq?sort={sort}&days=3000")


def test_insight_shows_what_became_of_suggestions(
    sessions: Factory, seeded: Seeded, client: TestClient
) -> None:
    assert "The forum has not reported yet" in show(client, "insight")
    with sessions.begin() as session:
        for outcome in (AskerDid.SHOWN, AskerDid.ANSWERED):
            did = NewOutcome(check_key=b"k", outcome=outcome, candidate="q-1", score=0.97)
            outcomes.save(session, seeded.forum.id, did)

    page = show(client, "insight")

    assert "1 asker saw earlier questions. 1 (100 %) found their answer" in page
    assert "0.95 to 1.00" in page
