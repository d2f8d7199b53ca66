"""Checks and outcomes from a forum's own pages, with a key that everybody can read."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db.tenants import forums, keys
from tests.rows.factories import save_questions
from tests.servers.api_service import NotingQueue, make_client
from worker.queue import CheckAnswer, CheckedDuplicate

Factory = sessionmaker[Session]
PAGE = "https://forum.example"
OTHER_PAGE = "https://m.forum.example:8443"
CHECK, OUTCOMES = "/v1/forums/cooks/check", "/v1/forums/cooks/outcomes"
BOIL = {"title": "How do I boil an egg?"}


def answering() -> NotingQueue:
    queue = NotingQueue()
    found = CheckedDuplicate(
        id="1", title="Boiling eggs", url=None, score=0.93, cosine=0.9, kind="model"
    )
    queue.answer = CheckAnswer(
        duplicates=[found], threshold=0.5, bi_encoder="words", reranker="overlap"
    )
    return queue


@pytest.fixture
def key(sessions: Factory) -> str:
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, "cooks")
        save_questions(session, forum, "Boiling eggs")
        return keys.create_key(
            session, name="page", forum_ids=[forum.id], scopes=["ask"], origins=[PAGE, OTHER_PAGE]
        )


@pytest.fixture
def page(sessions: Factory, key: str) -> TestClient:
    client = make_client(sessions, key, queue=answering())
    client.headers["Origin"] = PAGE
    return client


def test_a_page_checks_and_tells_what_became_of_it(sessions: Factory, page: TestClient) -> None:
    checked = page.post(CHECK, json=BOIL)
    told = page.post(
        OUTCOMES,
        json={
            "check_id": checked.json()["check_id"],
            "candidate_id": "1",
            "outcome": "answered",
        },
    )

    assert (checked.status_code, told.status_code) == (200, 204)
    assert checked.headers["access-control-allow-origin"] == PAGE
    assert told.headers["access-control-allow-origin"] == PAGE
    with sessions.begin() as session:
        row = session.execute(text("SELECT outcome, band, outcomes::text FROM outcomes")).one()
    assert (row.outcome, row.band) == ("answered", 18)
    assert "egg" not in row[2]


def test_each_of_two_origins_may_read_its_own_answer(page: TestClient) -> None:
    answer = page.post(CHECK, json=BOIL, headers={"Origin": OTHER_PAGE})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OTHER_PAGE
    assert answer.headers["vary"] == "Origin"


def test_a_check_that_is_not_ours_or_not_this_forums_is_refused(page: TestClient) -> None:
    check_id = page.post(CHECK, json=BOIL).json()["check_id"]
    shown = {"outcome": "shown", "candidate_id": "1"}

    forged = page.post(OUTCOMES, json={**shown, "check_id": "x" + check_id})
    other = page.post(OUTCOMES, json={**shown, "check_id": check_id, "candidate_id": "2"})

    assert (forged.status_code, other.status_code) == (422, 422)
    assert forged.json()["type"] == "urn:askedbefore:check-id"


@pytest.mark.parametrize(
    "origin", [None, "https://elsewhere.example", "null", PAGE + "/", "https://m.forum.example"]
)
def test_the_key_of_a_page_serves_that_page_alone(page: TestClient, origin: str | None) -> None:
    del page.headers["Origin"]
    answer = page.post(CHECK, json=BOIL, headers={"Origin": origin} if origin else {})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/forums/cooks"),
        ("GET", "/v1/forums/cooks/questions/1"),
        ("PUT", "/v1/forums/cooks/questions/1"),
        ("GET", "/v1/forums/cooks/pairs"),
        ("GET", "/v1/forums/cooks/actions"),
        ("GET", "/v1/archives/1"),
        ("POST", "/v1/archives/1/pause"),
    ],
)
def test_the_key_of_a_page_can_do_nothing_else(page: TestClient, method: str, path: str) -> None:
    answer = page.request(method, path, json=BOIL)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_browser_asks_first_and_is_told(sessions: Factory) -> None:
    client = make_client(sessions, None)
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    allowed = client.options(CHECK, headers=asks)
    other = client.options("/v1/forums/cooks/pairs", headers=asks)

    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in other.headers


def test_too_many_calls_from_one_address_have_to_wait_and_the_page_can_read_it(
    sessions: Factory, key: str
) -> None:
    client = make_client(sessions, key, queue=answering(), ask_per_minute=2)
    client.headers["Origin"] = PAGE

    answers = [client.post(CHECK, json=BOIL) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 61
    assert answers[2].headers["access-control-allow-origin"] == PAGE


@pytest.mark.usefixtures("key")
def test_a_backend_tells_outcomes_too(sessions: Factory) -> None:
    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
        secret = keys.create_key(session, name="b", forum_ids=[forum.id], scopes=["submit"])
    client = make_client(sessions, secret, queue=answering())
    check_id = client.post(CHECK, json=BOIL).json()["check_id"]

    posted = client.post(
        OUTCOMES, json={"check_id": check_id, "outcome": "posted", "question_id": "77"}
    )

    assert posted.status_code == 204
