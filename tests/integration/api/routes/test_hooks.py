"""Messages of forums' own software: signed, taken once, harmless again."""

import hashlib
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.routes import hooks
from db.tenants import forums
from db.work.rows import Lane
from tests.servers.api_service import NotingQueue, make_client, make_key
from tests.unit.worker.connectors.test_shapes import PATHS, topic

Factory = sessionmaker[Session]
CONNECTOR = "/v1/forums/cooks/connector"
HOOK = "/v1/forums/cooks/hooks/discourse"


@pytest.fixture
def queue() -> NotingQueue:
    return NotingQueue()


@pytest.fixture
def admin(sessions: Factory, queue: NotingQueue) -> TestClient:
    key = make_key(sessions, "cooks", scopes=("admin",))
    return make_client(sessions, key, queue=queue)


@pytest.fixture
def secret(admin: TestClient) -> str:
    made = admin.put(CONNECTOR, json={"kind": "discourse"})
    assert made.status_code == 200, made.text
    return str(made.json()["secret"])


def send(
    client: TestClient, secret: str, event: str, message: Any, number: int, *, hook: str = HOOK
) -> int:
    body = json.dumps(message).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Authorization": "",
        "Content-Type": "application/json",
        "X-Discourse-Event": event,
        "X-Discourse-Event-Id": str(number),
        "X-Discourse-Event-Signature": signature,
        "X-Signature-256": signature,
    }
    return client.post(hook, content=body, headers=headers).status_code


def read(client: TestClient, number: int = 42) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/forums/cooks/questions/{number}").json()
    return found


def first_post(raw: str, title: str = "How do I boil an egg?") -> dict[str, Any]:
    post = {"id": 1, "topic_id": 42, "post_number": 1, "raw": raw, "topic_title": title}
    return {"post": post}


def test_a_topic_and_its_first_post_become_one_question(
    admin: TestClient, secret: str, queue: NotingQueue
) -> None:
    assert send(admin, secret, "topic_created", {"topic": topic()}, 1) == 204
    assert send(admin, secret, "post_created", first_post("It bursts."), 2) == 204

    found = read(admin)
    assert (found["title"], found["body"]) == ("How do I boil an egg?", "It bursts.")
    assert (found["author"], found["category"]) == ("rosa", "4")
    assert Lane.LIVE in queue.woken


def test_replays_are_harmless_also_late_ones(admin: TestClient, secret: str) -> None:
    created, edited = {"topic": topic()}, {"topic": topic(title="How long do eggs boil?")}
    for number, (event, message) in enumerate(
        [("topic_created", created), ("topic_edited", edited)], start=1
    ):
        assert send(admin, secret, event, message, number) == 204

    assert send(admin, secret, "topic_created", created, 1) == 204
    assert send(admin, secret, "topic_edited", edited, 2) == 204

    assert read(admin)["title"] == "How long do eggs boil?"


def test_a_destroyed_topic_is_hidden_and_a_recovered_one_is_back_with_its_text(
    admin: TestClient, secret: str
) -> None:
    send(admin, secret, "topic_created", {"topic": topic()}, 1)
    send(admin, secret, "post_created", first_post("It bursts."), 2)

    send(admin, secret, "topic_destroyed", {"topic": topic()}, 3)
    gone = read(admin)["visible"]
    send(admin, secret, "topic_recovered", {"topic": topic()}, 4)

    assert gone is False
    assert (read(admin)["visible"], read(admin)["body"]) == (True, "It bursts.")


@pytest.mark.parametrize("changes", [{"archetype": "private_message"}, {"category_id": 9}])
def test_a_topic_that_becomes_private_is_hidden_and_its_new_text_is_not_kept(
    admin: TestClient, secret: str, changes: dict[str, Any]
) -> None:
    assert admin.put(CONNECTOR, json={"kind": "discourse", "categories": [4]}).status_code == 200
    send(admin, secret, "topic_created", {"topic": topic()}, 1)

    moved = topic(title="A secret", **changes)
    assert send(admin, secret, "topic_edited", {"topic": moved}, 2) == 204

    found = read(admin)
    assert (found["visible"], found["title"]) == (False, "How do I boil an egg?")


@pytest.mark.parametrize("changes", [{"category_id": 9}, {"visible": False}])
def test_of_a_topic_that_was_never_public_nothing_is_kept(
    admin: TestClient, secret: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_LOOK_S", 0)
    admin.put(CONNECTOR, json={"kind": "discourse", "categories": [4]})

    assert send(admin, secret, "topic_created", {"topic": topic(**changes)}, 1) == 204
    assert send(admin, secret, "post_created", first_post("It bursts."), 2) == 204

    assert "state" not in read(admin)


def test_a_text_that_comes_before_its_topic_waits_for_it(
    committed: Factory, queue: NotingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_LOOKS", 100)  # the machine may be busy
    admin = make_client(committed, make_key(committed, "cooks", scopes=("admin",)), queue=queue)
    secret = str(admin.put(CONNECTOR, json={"kind": "discourse"}).json()["secret"])
    with ThreadPoolExecutor() as pool:
        early = pool.submit(send, admin, secret, "post_created", first_post("It bursts."), 2)
        assert send(admin, secret, "topic_created", {"topic": topic()}, 1) == 204
        assert early.result(30) == 204

    found = read(admin)
    assert (found["body"], found["category"]) == ("It bursts.", "4")


def test_other_messages_are_taken_and_change_nothing(admin: TestClient, secret: str) -> None:
    assert send(admin, secret, "ping", {"ping": "OK"}, 1) == 204
    assert send(admin, secret, "topic_destroyed", {"topic": topic(id=7)}, 2) == 204

    assert "state" not in read(admin, 7)


def test_nobody_without_the_secret_is_told_anything(
    sessions: Factory, admin: TestClient, secret: str
) -> None:
    with sessions.begin() as session:
        forums.ensure_forum(session, "bakers")
    message = {"topic": topic()}

    answers = [
        send(admin, "wrong", "topic_created", message, 1),
        send(admin, secret, "topic_created", message, 1, hook="/v1/forums/bakers/hooks/discourse"),
        send(admin, secret, "topic_created", message, 1, hook="/v1/forums/nowhere/hooks/discourse"),
        send(admin, secret, "topic_created", message, 1, hook="/v1/forums/cooks/hooks/generic"),
        admin.post(HOOK, json=message, headers={"Authorization": ""}).status_code,
    ]

    assert answers == [401] * 5
    assert "state" not in read(admin)


@pytest.mark.parametrize("body", [b"", b"{", b'{"topic": {"id": "\\u0000"}}', b'{"topic": 1}'])
def test_a_broken_message_is_no_fault_of_the_service(
    admin: TestClient, secret: str, body: bytes
) -> None:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Discourse-Event": "topic_created", "X-Discourse-Event-Signature": signature}

    assert admin.post(HOOK, content=body, headers=headers).status_code in {400, 422}


def test_any_forum_declares_where_its_fields_are(admin: TestClient) -> None:
    made = admin.put(CONNECTOR, json={"kind": "generic", "paths": PATHS}).json()
    message = {"event": "thread.new", "thread": {"id": 42, "posts": [{"subject": "Boil an egg?"}]}}
    hook = "/v1/forums/cooks/hooks/generic"

    assert send(admin, made["secret"], "", message, 1, hook=hook) == 204
    assert read(admin)["title"] == "Boil an egg?"
    gone = {**message, "event": "thread.deleted"}
    assert send(admin, made["secret"], "", gone, 2, hook=hook) == 204
    assert read(admin)["visible"] is False


def test_a_connector_tells_its_secret_when_it_is_made_and_the_key_never(
    admin: TestClient,
) -> None:
    asked = {"kind": "discourse", "url": "https://1.1.1.1", "api_key": "k" * 20}
    made = admin.put(CONNECTOR, json=asked).json()
    read_again = admin.get(CONNECTOR)
    changed = admin.put(CONNECTOR, json={"kind": "discourse", "url": "https://1.1.1.1"}).json()
    begun = admin.post(CONNECTOR + "/backfill").json()

    assert made["hook_url"].endswith(HOOK)
    assert "k" * 20 not in read_again.text
    assert read_again.json()["secret"] is None
    assert changed["secret"] == made["secret"]
    assert begun["backfill"] == "running"
    assert admin.delete(CONNECTOR).status_code == 204
    assert admin.get(CONNECTOR).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "generic", "paths": {"id": "$.id"}},
        {"kind": "generic", "paths": PATHS, "url": "https://1.1.1.1"},
        {"kind": "discourse", "paths": PATHS},
        {"kind": "discourse", "url": "https://10.0.0.1"},
        {"kind": "phpbb"},
    ],
)
def test_a_connector_that_cannot_be_is_refused(admin: TestClient, wrong: dict[str, Any]) -> None:
    assert admin.put(CONNECTOR, json=wrong).status_code == 422
