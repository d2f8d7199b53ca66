"""Archives brought in from the browser."""

import csv
import io
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from db.archives import archives
from db.archives.archives import ArchiveState
from db.tenants.people import Role
from tests.integration.api.console.test_pages import HTML, sign_in
from tests.rows.archive_factories import Factory
from tests.rows.review import make_person, seed_questions
from tests.servers.api_service import make_client

CSV = "id,title\n" + "".join(f"{n},How do I boil egg {n}?\n" for n in range(30))


@pytest.fixture
def client(committed: Factory) -> Iterator[TestClient]:
    with committed.begin() as session:
        made = seed_questions(session, "How do I boil water?")
        make_person(session, made.forum, "Ana", Role.ADMIN)
    with make_client(committed, None) as client:
        sign_in(client, "Ana")
        yield client


def test_a_file_is_taken_in_and_told_about(client: TestClient) -> None:
    sent = client.post("/console/cooks/archives?name=eggs.csv", content=CSV + "no title\n")

    assert sent.status_code == 202, sent.text
    number = sent.json()["archive"]
    listed = client.get("/console/cooks/archives", headers=HTML).text
    assert "eggs.csv" in listed
    assert f"archives/{number}/pause" in listed
    report = client.get(f"/console/cooks/archives/{number}/report", headers=HTML).text
    assert "Rejected rows" in report
    rows = csv.DictReader(
        io.StringIO(client.get(f"/console/cooks/archives/{number}/rejects.csv").text)
    )
    assert [row["line"] for row in rows] == ["32"]


def test_an_archive_is_paused_resumed_and_cancelled(client: TestClient, committed: Factory) -> None:
    sent = client.post("/console/cooks/archives?name=eggs.csv", content=CSV)
    number = sent.json()["archive"]
    states = []

    for act in ("pause", "resume", "cancel"):
        done = client.post(f"/console/cooks/archives/{number}/{act}", headers=HTML)
        assert done.status_code == 303, done.text
        with committed.begin() as session:
            states.append(archives.get(session, number).state)

    assert states == [ArchiveState.PAUSED, ArchiveState.RUNNING, ArchiveState.CANCELLED]


def test_the_second_file_of_a_name_tells_what_is_gone(client: TestClient) -> None:
    client.post("/console/cooks/archives?name=eggs.csv", content=CSV)
    less = "\n".join(CSV.splitlines()[:-2])
    second = client.post("/console/cooks/archives?name=eggs.csv", content=less)

    gone = client.get(f"/console/cooks/archives/{second.json()['archive']}/gone.csv").text

    assert gone == "id\n28\n29\n"


def test_a_file_that_cannot_be_read_is_told(client: TestClient) -> None:
    sent = client.post("/console/cooks/archives?name=odd.csv", content="height,weight\n1,2\n")

    assert sent.status_code == 422
    assert "height" in sent.json()["detail"]


def test_a_reader_that_dies_is_told_as_by_the_api(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies = (sys.executable, "-S", "-c", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr("api.uploading.loading._COMMAND", dies)

    sent = client.post("/console/cooks/archives?name=eggs.csv", content=CSV)

    assert (sent.status_code, "SIGKILL" in sent.json()["detail"]) == (503, True)
