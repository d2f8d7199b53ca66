"""The forum's round: what is to be done, done, taken back."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from db.deciding import decisions
from db.rows import PairStatus
from db.tenants import keys
from tests.rows.review import Seeded, flag, say, seed_questions
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        return seed_questions(session, "boil an egg", "egg boiling", "eggs, boiled")


@pytest.fixture
def forum(sessions: Factory, seeded: Seeded) -> TestClient:
    with sessions.begin() as session:
        secret = keys.create_key(session, name="b", forum_ids=[seeded.forum.id], scopes=["submit"])
    return make_client(sessions, secret)


def where(seeded: Seeded, tail: str = "") -> str:
    return f"/v1/forums/{seeded.forum.name}/actions{tail}"


def due(forum: TestClient, seeded: Seeded) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = forum.get(where(seeded)).json()["actions"]
    return found


def test_a_confirmed_pair_is_closed_once_and_an_undo_reopens_it(
    sessions: Factory, forum: TestClient, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        done = say(session, seeded, flag(session, seeded, 0, 1))

    (close,) = due(forum, seeded)
    for _ in range(2):
        applied = forum.post(where(seeded, f"/{close['id']}"), json={"state": "applied"})
        assert (applied.status_code, applied.json()["state"]) == (200, "applied")
    after = due(forum, seeded)
    with sessions.begin() as session:
        decisions.undo(session, seeded.forum.id, done.id, actor="ana")
    (reopen,) = due(forum, seeded)

    assert (close["kind"], close["state"]) == ("close", "open")
    assert close["canonical_id"] != close["question_id"]
    assert after == []
    assert (reopen["kind"], reopen["question_id"]) == ("reopen", close["question_id"])
    assert reopen["canonical_id"] is None


def test_what_was_done_after_it_was_taken_back_is_undone_again(
    sessions: Factory, forum: TestClient, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        done = say(session, seeded, flag(session, seeded, 0, 1))
    (close,) = due(forum, seeded)
    with sessions.begin() as session:
        decisions.undo(session, seeded.forum.id, done.id, actor="ana")
    assert due(forum, seeded) == []

    forum.post(where(seeded, f"/{close['id']}"), json={"state": "applied"})

    assert [one["kind"] for one in due(forum, seeded)] == ["reopen"]


def test_a_failure_is_kept_with_its_reason_and_not_tried_for_ever(
    sessions: Factory, forum: TestClient, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
    (close,) = due(forum, seeded)

    failed = forum.post(
        where(seeded, f"/{close['id']}"), json={"state": "failed", "reason": "it is locked"}
    )

    assert failed.json()["reason"] == "it is locked"
    assert due(forum, seeded) == []
    listed = forum.get(where(seeded, "?state=failed")).json()["actions"]
    assert [one["id"] for one in listed] == [close["id"]]


def test_pages_follow_the_cursor(sessions: Factory, forum: TestClient, seeded: Seeded) -> None:
    with sessions.begin() as session:
        for one in (1, 2):
            say(session, seeded, flag(session, seeded, 0, one))

    first = forum.get(where(seeded, "?limit=1")).json()
    second = forum.get(where(seeded, f"?limit=1&after={first['next']}")).json()

    assert len(first["actions"]) == len(second["actions"]) == 1
    assert first["actions"] != second["actions"]
    assert second["next"] is None


def test_pairs_that_are_no_duplicates_close_nothing(
    sessions: Factory, forum: TestClient, seeded: Seeded
) -> None:
    with sessions.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1), PairStatus.RELATED)
        flag(session, seeded, 1, 2)

    assert due(forum, seeded) == []
