"""The calibration over REST."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from tests.integration.worker.adapting.test_calibrating import make_pairs, state
from tests.servers.api_service import make_client, make_key

Factory = sessionmaker[Session]
PATH = "/v1/forums/cooks/calibration"


@pytest.fixture
def client(sessions: Factory) -> Iterator[TestClient]:
    with make_client(sessions, make_key(sessions, "cooks", scopes=("admin",))) as client:
        yield client


def test_it_is_judged_then_put_into_force_then_taken_back(
    client: TestClient, sessions: Factory
) -> None:
    with sessions.begin() as session:
        make_pairs(session, 300, 40, shift=-2.0)
        before = state(session)

    judged = client.post(PATH, json={"dry_run": True}).json()

    assert judged["applied"] is False
    assert judged["refusal"] is None
    assert judged["after"]["brier"] < judged["before"]["brier"]
    with sessions.begin() as session:
        assert state(session) == before
    done = client.post(PATH, json={}).json()
    assert done == {**judged, "applied": True}
    shown = client.get(PATH).json()
    assert shown["in_force"] == shown["versions"][0]
    assert (shown["in_force"]["by"], shown["in_force"]["duplicates"]) == (
        "test",
        judged["duplicates"],
    )
    back = client.delete(PATH).json()
    assert (back["rescored"], back["flagged"]) == (40, judged["would_hide"])
    assert client.get(PATH).json()["in_force"] is None
    assert client.delete(PATH).status_code == 409


def test_what_the_decisions_promise_comes_with_it(client: TestClient, sessions: Factory) -> None:
    nothing = client.get(PATH).json()["precision"]
    with sessions.begin() as session:
        make_pairs(session, 300, 40, shift=-2.0)

    found = client.get(PATH).json()["precision"]

    assert (nothing["standing"], nothing["at_least"]) == ("not_measured", None)
    assert (found["standing"], found["decided"]) == ("measured", 300)
    assert 0 < found["at_least"] < found["right"] / 300
    client.post(PATH, json={})
    after = client.get(PATH).json()["precision"]  # of those still at or above the threshold
    assert after["decided"] < 300
    assert after["at_least"] > found["at_least"]


def test_too_few_decisions_are_a_conflict_that_says_how_many(
    client: TestClient, sessions: Factory
) -> None:
    with sessions.begin() as session:
        make_pairs(session, 8, 1, shift=0.0)

    answer = client.post(PATH, json={})

    assert answer.status_code == 409
    assert "more of duplicate" in answer.json()["detail"]
    assert client.post(PATH, json={"dry_run": True}).json()["refusal"] == answer.json()["detail"]


def test_only_an_admins_key_changes_it(sessions: Factory) -> None:
    client = make_client(sessions, make_key(sessions, "cooks", scopes=("submit", "review")))

    for method in ("GET", "POST", "DELETE"):
        assert client.request(method, PATH, json={}).status_code == 403
