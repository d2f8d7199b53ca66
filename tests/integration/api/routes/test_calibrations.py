"""The calibration over REST and on the command line, and what a key's use leaves behind."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from cli.embedded import Addresses
from db.engine import make_sessions
from db.tables.keys import ApiKey
from db.tenants import keys
from tests.api_service import make_client, make_key
from tests.integration.cli.test_main import home, run, running_home
from tests.integration.worker.live.test_calibrating import make_pairs, state

Factory = sessionmaker[Session]
PATH = "/v1/forums/cooks/calibration"
__all__ = ["home", "running_home"]


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


def test_too_few_decisions_are_a_conflict_that_says_how_many(
    client: TestClient, sessions: Factory
) -> None:
    with sessions.begin() as session:
        make_pairs(session, 8, 1, shift=0.0)

    answer = client.post(PATH, json={})

    assert answer.status_code == 409
    assert "more decided as duplicates" in answer.json()["detail"]
    assert client.post(PATH, json={"dry_run": True}).json()["refusal"] == answer.json()["detail"]


def test_only_an_admins_key_changes_it(sessions: Factory) -> None:
    client = make_client(sessions, make_key(sessions, "cooks", scopes=("submit", "review")))

    for method in ("GET", "POST", "DELETE"):
        assert client.request(method, PATH, json={}).status_code == 403


@pytest.mark.usefixtures("committed")
def test_the_command_says_what_it_would_do_and_does_it(running_home: Path, engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        make_pairs(session, 300, 40, shift=-2.0)

    dry = run(running_home, "forums", "recalibrate", "cooks", "--dry-run")
    done = run(running_home, "forums", "recalibrate", "cooks")
    again = run(running_home, "forums", "recalibrate", "cooks")
    back = run(running_home, "forums", "recalibrate", "cooks", "--reset")

    assert "40 undecided pairs would be scored again" in dry.stdout
    assert "Brier score" in dry.stdout
    assert "40 undecided pairs scored again" in done.stdout, done.stderr
    assert again.returncode == 1
    assert "not be clearly better" in again.stderr
    assert "Back to the model's own: 40 undecided pairs scored again" in back.stdout


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
    committed: Factory, servers: Addresses
) -> None:
    key = make_key(committed, "cooks")
    assert servers.database_url
    with committed.begin() as session:
        session.execute(select(ApiKey).with_for_update())

        assert make_client(committed, key).get("/v1/forums/cooks").status_code == 200

    assert last_used(committed) is None


def test_a_use_that_cannot_be_noted_fails_no_request(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(session: Session, _key_id: int, *, every: timedelta) -> None:
        assert every
        session.execute(text("SELECT no_such_function()"))

    monkeypatch.setattr(keys, "note_use", refuse)

    answer = make_client(sessions, make_key(sessions, "cooks")).get("/v1/forums/cooks")

    assert answer.status_code == 200
    assert last_used(sessions) is None
