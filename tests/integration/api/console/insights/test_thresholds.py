"""The calibration on the Thresholds page."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from db.tenants.people import Role
from tests.integration.api.console.test_pages import HTML, post, sign_in
from tests.integration.worker.adapting.test_calibrating import make_pairs, state
from tests.rows.review import make_person
from tests.servers.api_service import make_client

Factory = sessionmaker[Session]


@pytest.fixture
def client(sessions: Factory) -> Iterator[TestClient]:
    with sessions.begin() as session:
        seeded = make_pairs(session, 300, 40, shift=-2.0)
        make_person(session, seeded.forum, "Ana", Role.ADMIN)
        make_person(session, seeded.forum, "Ben")
    with make_client(sessions, None) as client:
        sign_in(client, "Ana")
        yield client


def shown(client: TestClient, query: str = "") -> str:
    page = client.get(f"/console/cooks/thresholds{query}", headers=HTML)
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.text)))


def test_an_admin_sees_what_it_brings_uses_it_and_goes_back(
    client: TestClient, sessions: Factory
) -> None:
    before = shown(client)
    assert "In force: the model's own." in before
    foreseen = re.search(r"([\d,]+) would be flagged and ([\d,]+) hidden", before)
    assert foreseen is not None

    assert post(client, "thresholds/calibration")[1].endswith("saved=calibrated")

    with sessions.begin() as session:
        hidden = [row for row in state(session).values() if row[0] == "withdrawn"]
    assert len(hidden) == int(foreseen[2])
    after = shown(client, "?saved=calibrated")
    assert "The forum's own calibration is in force" in after
    assert "by Ana" in after
    assert "already fitted to these decisions" in after
    assert post(client, "thresholds/calibration", reset="true")[1].endswith("saved=reset")
    assert "In force: the model's own." in shown(client)


def test_said_and_found_agree_afterwards(client: TestClient) -> None:
    def gap(page: str) -> float:
        rows = re.findall(
            r"(0\.\d) to (\d\.\d) (\d+) (\d+) % ", page.split("Stated and observed")[1]
        )
        judged = sum(int(row[2]) for row in rows)
        return (
            sum(
                int(row[2]) * abs((float(row[0]) + float(row[1])) / 2 - int(row[3]) / 100)
                for row in rows
            )
            / judged
        )

    before = gap(shown(client))
    post(client, "thresholds/calibration")

    assert gap(shown(client)) < before / 2


def test_only_an_admin_may(client: TestClient) -> None:
    sign_in(client, "Ben")

    assert post(client, "thresholds/calibration")[0] == 403


def test_a_refusal_is_said_on_a_page(client: TestClient) -> None:
    post(client, "thresholds/calibration")

    status, page = post(client, "thresholds/calibration")

    assert status == 409
    assert "already fitted to these decisions" in page


def test_the_calibration_is_offered_with_its_numbers_until_it_is_in_force(
    client: TestClient,
) -> None:
    def insight() -> str:
        page = client.get("/console/cooks/insight", headers=HTML).text
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))

    offered = re.search(r"calibration error would be (0\.\d+) instead of (0\.\d+)", insight())
    assert offered is not None
    assert float(offered[1]) < float(offered[2])
    assert "Thresholds calibrate" in insight()

    post(client, "thresholds/calibration")

    assert "calibration error would be" not in insight()
    sign_in(client, "Ben")
    assert "Thresholds calibrate" not in insight()


def test_what_the_decisions_promise_is_said_beside_the_calibration(client: TestClient) -> None:
    told = re.search(
        r"Precision measured: at least (0\.\d\d) \(at 95 % confidence\), from (\d+) right of 300",
        shown(client),
    )

    assert told is not None
    assert float(told[1]) < int(told[2]) / 300
