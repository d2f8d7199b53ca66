from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from db.tables.keys import ApiKey
from db.tenants import keys
from tests.integration.worker.live.test_pipeline import drain
from tests.servers.api_service import NotingQueue, make_client, make_key
from worker.queue import CheckAnswer

Factory = sessionmaker[Session]
EGG = {"title": "How do I boil an egg?"}
CALLS: list[tuple[str, str, dict[str, object] | None]] = [
    ("PUT", "/questions/1", {**EGG}),
    ("GET", "/questions/1", None),
    ("DELETE", "/questions/1", None),
    ("POST", "/questions:batch", {"questions": [{"id": "1", **EGG}]}),
    ("POST", "/check", {**EGG}),
    ("GET", "/pairs", None),
    ("GET", "", None),
]
SUBMITTING = {"PUT", "DELETE", "POST"}


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_no_call_goes_without_a_valid_key(
    sessions: Factory, method: str, path: str, body: dict[str, object] | None
) -> None:
    key = make_key(sessions, "cooks")
    for wrong in (None, key + "x", key[:-1], "", "x" * 5_000):
        client = make_client(sessions, wrong)

        answer = client.request(method, f"/v1/forums/cooks{path}", json=body)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["type"] == "urn:askedbefore:unauthenticated"


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_another_forum_and_none_at_all_look_the_same(
    sessions: Factory, method: str, path: str, body: dict[str, object] | None
) -> None:
    theirs = make_client(sessions, make_key(sessions, "bakers"))
    theirs.put("/v1/forums/bakers/questions/1", json=EGG)
    client = make_client(sessions, make_key(sessions, "cooks", scopes=("review",)))

    hidden = client.request(method, f"/v1/forums/bakers{path}", json=body)
    absent = client.request(method, f"/v1/forums/nobody{path}", json=body)

    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace("bakers", "nobody") == absent.text
    telling = {"x-request-id", "content-length"}
    assert {k: v for k, v in hidden.headers.items() if k not in telling} == {
        k: v for k, v in absent.headers.items() if k not in telling
    }


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_a_missing_scope_is_said_on_ones_own_forum_only(
    sessions: Factory, method: str, path: str, body: dict[str, object] | None
) -> None:
    reviewer = make_client(sessions, make_key(sessions, "cooks", scopes=("review",)))

    answer = reviewer.request(method, f"/v1/forums/cooks{path}", json=body)

    if method in SUBMITTING:
        assert answer.status_code == 403
        needed = "submit or ask" if path == "/check" else "submit"
        assert answer.json()["detail"] == f"this needs a key with the scope {needed}"
    else:
        assert answer.status_code in {200, 404}


def test_an_admin_may_do_what_the_others_may(sessions: Factory) -> None:
    client = make_client(sessions, make_key(sessions, "cooks", scopes=("admin",)))

    assert client.put("/v1/forums/cooks/questions/1", json=EGG).status_code == 202


def test_a_key_is_no_key_once_it_is_revoked_or_has_run_out(sessions: Factory) -> None:
    revoked, expired = make_key(sessions, "cooks"), make_key(sessions, "cooks")
    with sessions.begin() as session:
        keys.revoke_key(session, revoked[:11])
        session.execute(
            text("UPDATE api_keys SET expires_at = now() WHERE prefix = :prefix"),
            {"prefix": expired[:11]},
        )

    for key in (revoked, expired):
        assert make_client(sessions, key).get("/v1/forums/cooks").status_code == 401


def test_two_forums_with_the_same_questions_never_meet(sessions: Factory) -> None:
    cooks = make_client(sessions, make_key(sessions, "cooks"))
    bakers = make_client(sessions, make_key(sessions, "bakers"))
    for client, forum in ((cooks, "cooks"), (bakers, "bakers")):
        client.put(f"/v1/forums/{forum}/questions/{forum}-1", json=EGG)
    drain(sessions)

    for client, forum, other in ((cooks, "cooks", "bakers"), (bakers, "bakers", "cooks")):
        own = client.get(f"/v1/forums/{forum}/questions/{forum}-1")
        assert own.json()["duplicates"] == []
        assert client.get(f"/v1/forums/{forum}/questions/{other}-1").status_code == 404
        assert client.get(f"/v1/forums/{forum}/pairs").json()["pairs"] == []
        assert client.get(f"/v1/forums/{forum}").json()["name"] == forum


def test_a_check_goes_to_the_callers_forum_alone(sessions: Factory) -> None:
    queue = NotingQueue()
    queue.answer = CheckAnswer(threshold=0.5, bi_encoder="b", reranker="r")
    client = make_client(sessions, make_key(sessions, "bakers", "cooks"), queue=queue)

    for name in ("bakers", "cooks"):
        client.post(f"/v1/forums/{name}/check", json=EGG)

    assert len({request.forum_id for request in queue.asked}) == 2


def last_used(sessions: Factory) -> datetime | None:
    with sessions.begin() as session:
        return session.execute(select(ApiKey.last_used_at)).scalar_one()


def test_the_use_of_a_key_is_noted_once_a_minute(sessions: Factory) -> None:
    key = make_key(sessions, "cooks")
    assert last_used(sessions) is None

    assert make_client(sessions, key).get("/v1/forums/cooks").status_code == 200

    noted = last_used(sessions)
    assert noted is not None
    lately = noted - timedelta(seconds=50)
    for then, changes in ((lately, False), (noted - timedelta(seconds=70), True)):
        with sessions.begin() as session:
            session.execute(update(ApiKey).values(last_used_at=then))
        make_client(sessions, key).get("/v1/forums/cooks")
        assert (last_used(sessions) != then) is changes


def test_a_key_that_somebody_else_holds_waits_for_nobody(
    committed: Factory,
) -> None:
    key = make_key(committed, "cooks")
    with committed.begin() as session:
        session.execute(select(ApiKey).with_for_update())

        assert make_client(committed, key).get("/v1/forums/cooks").status_code == 200

    assert last_used(committed) is None


@pytest.mark.parametrize(
    "statement",
    ["SELECT no_such_function()", "SET TRANSACTION READ ONLY; DELETE FROM forums"],
    ids=["wrong", "read-only"],
)
def test_a_use_that_cannot_be_noted_fails_no_request(
    committed: Factory, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    def refuse(session: Session, _key_id: int, *, every: timedelta) -> None:
        assert every
        session.execute(text(statement))

    monkeypatch.setattr(keys, "note_use", refuse)

    answer = make_client(committed, make_key(committed, "cooks")).get("/v1/forums/cooks")

    assert answer.status_code == 200
    assert last_used(committed) is None
