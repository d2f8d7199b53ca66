"""The data of webhook events: actions as in the API, rising questions, checked questions."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from db.faq import rising
from db.outbox import deliveries, webhooks
from db.outbox.deliveries import Busy, Due
from db.tenants import keys
from tests.integration.worker.live.test_pipeline import drain, submit
from tests.rows.review import Seeded, flag, say, seed_questions
from tests.servers.api_service import make_client
from worker import acting

Factory = sessionmaker[Session]


@pytest.fixture
def seeded(sessions: Factory) -> Seeded:
    with sessions.begin() as session:
        made = seed_questions(session, "one", "two", "three")
        hook = "https://forum.example/hook"
        webhooks.create(session, made.forum.id, url=hook, kinds=webhooks.KINDS)
    return made


def told(sessions: Factory, kind: str) -> list[Due]:
    with sessions.begin() as session:
        busy = Busy(per_webhook=100, per_forum=100)
        return [
            one for one in deliveries.claim_due(session, limit=100, busy=busy) if one.kind == kind
        ]


def test_an_action_is_told_once_and_as_the_api_lists_it(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        say(session, seeded, flag(session, seeded, 0, 1))
        forum_id = seeded.forum.id
        key = keys.create_key(session, name="b", forum_ids=[forum_id], scopes=["submit"])
    acting.settle(sessions)
    acting.settle(sessions)

    (due,) = told(sessions, "action.due")

    client: TestClient = make_client(sessions, key)
    (listed,) = client.get(f"/v1/forums/{seeded.forum.name}/actions").json()["actions"]
    assert _same_moment(dict(due.data)) == _same_moment(listed)


def _same_moment(action: dict[str, Any]) -> dict[str, Any]:
    return {**action, "due_at": str(action["due_at"]).replace("+00:00", "Z")}


def test_a_rising_question_is_told_with_how_many_asked(sessions: Factory, seeded: Seeded) -> None:
    with sessions.begin() as session:
        found = rising.Rising(
            question_id=seeded.questions[0],
            external_id="q-1",
            title="one",
            url=None,
            asked=17,
            window_h=1,
        )
        rising.tell(session, seeded.forum.id, [found])

    (due,) = told(sessions, "group.rising")

    assert (due.data["question"], due.data["asked"], due.data["window_h"]) == ("q-1", 17, 1)


@pytest.mark.usefixtures("seeded")
def test_a_checked_question_is_told_where_somebody_waits_for_it(sessions: Factory) -> None:
    submit(sessions, "How do I boil an egg", "How do I boil an egg well", first=50)
    drain(sessions)

    found = {str(one.data["question"]): one.data for one in told(sessions, "question.checked")}

    assert set(found) == {"50", "51"}
    assert all(one["checked_at"] for one in found.values())
