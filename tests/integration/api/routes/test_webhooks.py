"""Webhooks over REST: the same as on the console's page, for the forum's backend."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Busy
from db.tables.review import Delivery
from db.tenants import forums
from tests.servers.api_service import make_client, make_key

Factory = sessionmaker[Session]
BASE = "/v1/forums/cooks/webhooks"
HOOK = {"url": "https://1.1.1.1/hook", "kinds": ["pair.decided"]}


@pytest.fixture
def client(sessions: Factory) -> Iterator[TestClient]:
    with make_client(sessions, make_key(sessions, "cooks", scopes=("admin",))) as client:
        yield client


def create(client: TestClient, **changes: object) -> dict[str, Any]:
    answer = client.post(BASE, json={**HOOK, **changes})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def test_a_secret_is_told_once_and_can_be_replaced(client: TestClient, sessions: Factory) -> None:
    made = create(client)
    path = f"{BASE}/{made['id']}"

    assert made["secret"].startswith("whsec_")
    assert "secret" not in client.get(path).json()
    assert "secret" not in client.get(BASE).text
    rotated = client.post(f"{path}/secret").json()["secret"]
    assert rotated != made["secret"]
    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
        assert [row.secret for row in webhooks.list_webhooks(session, forum.id)] == [rotated]


def test_it_is_changed_switched_off_and_on_and_removed(client: TestClient) -> None:
    path = f"{BASE}/{create(client)['id']}"

    changed = client.patch(path, json={"kinds": ["pair.flagged", "pair.undone"]}).json()
    assert changed["kinds"] == ["pair.flagged", "pair.undone"]
    assert changed["url"] == HOOK["url"]
    off = client.patch(path, json={"enabled": False}).json()
    assert (off["enabled"], off["notice"]) == (False, "switched off by the forum")
    on = client.patch(path, json={"enabled": True, "url": "https://1.1.1.1/two"}).json()
    assert (on["enabled"], on["notice"], on["url"]) == (True, None, "https://1.1.1.1/two")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(BASE).json() == {"webhooks": []}


@pytest.mark.parametrize(
    "body",
    [
        {**HOOK, "url": "http://forum.example/hook"},
        {**HOOK, "url": "https://a..b.example/"},
        {**HOOK, "url": "https://nobody.invalid/"},
        {**HOOK, "url": f"https://{'a' * 64}.example/"},
        {**HOOK, "url": "https://a b.example/"},
        {**HOOK, "url": "https://169.254.169.254/"},
        {**HOOK, "url": "https://[64:ff9b::a9fe:a9fe]/"},
        {**HOOK, "url": "https://ana:secret@forum.example/hook"},
        {**HOOK, "url": "ftp://forum.example"},
        {**HOOK, "kinds": []},
        {**HOOK, "kinds": ["pair.eaten"]},
        {**HOOK, "secret": "mine"},
    ],
)
def test_what_the_console_refuses_is_refused_here_too(
    client: TestClient, body: dict[str, object]
) -> None:
    assert client.post(BASE, json=body).status_code == 422
    made = create(client)
    change = {name: body[name] for name in body if body[name] != HOOK.get(name)}
    assert client.patch(f"{BASE}/{made['id']}", json=change).status_code == 422


def test_a_forum_has_ten_at_most(client: TestClient) -> None:
    for _ in range(webhooks.LIMIT):
        create(client)

    assert client.post(BASE, json=HOOK).status_code == 422


def test_the_log_is_paged_and_a_delivery_made_again(client: TestClient, sessions: Factory) -> None:
    path = f"{BASE}/{create(client)['id']}"
    sent = [client.post(f"{path}/test").json()["id"] for _ in range(5)]
    first = client.get(f"{path}/deliveries", params={"limit": 3}).json()
    cursor = first["next_cursor"]
    second = client.get(f"{path}/deliveries", params={"limit": 3, "cursor": cursor}).json()

    shown = [row["id"] for row in first["deliveries"] + second["deliveries"]]
    assert shown == sent[::-1]
    assert second["next_cursor"] is None
    with sessions.begin() as session:
        values = {"given_up_at": Delivery.created_at, "attempts": 7, "error": "it was away"}
        session.execute(update(Delivery).values(values))
    assert client.get(f"{path}/deliveries").json()["deliveries"][0]["state"] == "given_up"

    again = client.post(f"{path}/deliveries/{sent[0]}/retry")

    assert again.status_code == 202
    assert again.json()["id"] == sent[0]
    assert (again.json()["state"], again.json()["attempts"]) == ("waiting", 0)
    with sessions.begin() as session:
        due = deliveries.claim_due(session, limit=9, busy=Busy())
    assert [one.id for one in due] == [int(sent[0])]


def test_a_webhook_that_is_off_is_not_called_again(client: TestClient, sessions: Factory) -> None:
    path = f"{BASE}/{create(client)['id']}"
    delivery = client.post(f"{path}/test").json()["id"]
    with sessions.begin() as session:
        session.execute(update(Delivery).values(kind="pair.decided"))
    client.patch(path, json={"enabled": False})

    answer = client.post(f"{path}/deliveries/{delivery}/retry")

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:askedbefore:webhook-off"
    log = client.get(f"{path}/deliveries").json()["deliveries"]
    assert log[0]["state"] == "given_up"


def test_another_forums_webhook_is_not_there(client: TestClient, sessions: Factory) -> None:
    made, theirs = create(client), f"{BASE.replace('cooks', 'bakers')}"
    other = make_client(sessions, make_key(sessions, "bakers", scopes=("admin",)))
    delivery = client.post(f"{BASE}/{made['id']}/test").json()["id"]
    paths = {
        "GET": ("", "/deliveries"),
        "POST": ("/test", "/secret", f"/deliveries/{delivery}/retry"),
        "DELETE": ("",),
    }

    for method, tails in paths.items():
        for tail in tails:
            answer = other.request(method, f"{theirs}/{made['id']}{tail}")
            assert answer.status_code == 404, (method, tail)
    assert other.patch(f"{theirs}/{made['id']}", json={}).status_code == 404


@pytest.mark.parametrize("scope", ["submit", "review"])
def test_only_a_key_of_an_admin_sees_webhooks(sessions: Factory, scope: str) -> None:
    client = make_client(sessions, make_key(sessions, "cooks", scopes=(scope,)))

    assert client.get(BASE).status_code == 403
    assert client.post(BASE, json=HOOK).status_code == 403
