"""Two transactions that wait for each other: Postgres ends ours, and its caller hears nothing."""

import threading

from httpx2 import Response
from sqlalchemy import Connection, Engine, text
from structlog.testing import capture_logs

from cli.running.service import wait_until
from tests.servers.api_service import Factory, make_client, make_key

_BATCH = "/v1/forums/cooks/questions:batch"
_LOCK = text("SELECT FROM questions WHERE external_id = :id FOR UPDATE")
_WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def _batch(*titles: str) -> dict[str, list[dict[str, str]]]:
    ids = ("1", "2")
    return {
        "questions": [{"id": id_, "title": title} for id_, title in zip(ids, titles, strict=True)]
    }


def _is_waited(other: Connection) -> bool:
    return bool(other.execute(_WAITS).scalar_one())


def test_a_deadlock_is_tried_again_and_never_shown(committed: Factory, engine: Engine) -> None:
    answers: list[Response] = []
    with (
        make_client(committed, make_key(committed, "cooks")) as client,
        engine.connect() as other,
        capture_logs() as logs,
    ):
        client.post(_BATCH, json=_batch("How do I boil eggs?", "How do I boil rice?"))
        other.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # it is ours that is ended
        other.execute(_LOCK, {"id": "2"})
        edits = _batch("How do I fry eggs?", "How do I fry rice?")
        thread = threading.Thread(target=lambda: answers.append(client.post(_BATCH, json=edits)))
        thread.start()
        wait_until(lambda: _is_waited(other), timeout_s=60)

        other.execute(_LOCK, {"id": "1"})
        other.commit()
        thread.join(20)
        kept = [client.get(f"/v1/forums/cooks/questions/{n}").json()["title"] for n in (1, 2)]

    assert [answer.status_code for answer in answers] == [202]
    assert kept == ["How do I fry eggs?", "How do I fry rice?"]
    assert [one["event"] for one in logs].count("http.tried_again") == 1
