import errno
import re
import time
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from api.http.errors import DiskFullError, as_service_error
from cli.running.embedded import Addresses
from db.work import workers
from db.work.rows import Lane
from tests.rows.factories import make_forum, save_questions
from tests.servers.api_service import NotingQueue, make_client, make_key
from worker.queue import CeleryQueue

Factory = sessionmaker[Session]
NO_BROKER = "unix:///nobody/listens/here.sock"
AWAY = sessionmaker(create_engine("postgresql+psycopg2://nobody@/none?host=/nowhere"))


def prove(sessions: Factory) -> None:
    proof = workers.Proof(worker="w", device="cpu", bi_encoder="b", reranker="r", proof_ms=3.0)
    with sessions.begin() as session:
        workers.save_proof(session, proof)


def failing(client_checks: dict[str, dict[str, object]]) -> list[str]:
    return [name for name, check in client_checks.items() if not check["ok"]]


def test_a_process_lives_whatever_is_away() -> None:
    queue = NotingQueue()
    queue.is_up = False

    answer = make_client(AWAY, None, queue=queue).get("/livez")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_ready_is_when_everything_is_there(sessions: Factory) -> None:
    prove(sessions)

    answer = make_client(sessions, None).get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert list(answer.json()["checks"]) == ["database", "migrations", "broker", "worker"]


def test_a_full_disk_is_said_for_a_minute_while_reading_goes_on(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    prove(sessions)
    client = make_client(sessions, None)
    monkeypatch.setattr(DiskFullError, "met_at", time.monotonic() - 70)
    before = client.get("/readyz")

    as_service_error(OSError(errno.EFBIG, "File too large"))
    full = client.get("/readyz")

    assert [one.status_code for one in (before, full)] == [200, 200]
    said = [one.json()["checks"]["database"]["detail"] for one in (before, full)]
    assert said == ["answers", "answers, but lately a disk was full: make room"]


@pytest.mark.parametrize(
    ("settings", "believed_s"),
    [({}, 90), ({"proof_s": 2}, 6), ({"proof_s": 2, "readiness_proof_s": 50}, 50)],
)
def test_a_proof_is_believed_for_three_intervals(
    sessions: Factory, settings: dict[str, Any], believed_s: int
) -> None:
    found = []
    for age_s in (believed_s - 1, believed_s + 1):
        prove(sessions)
        with sessions.begin() as session:
            aged = text("UPDATE heartbeats SET proved_at = now() - make_interval(secs => :age)")
            session.execute(aged, {"age": age_s})
        answer = make_client(sessions, None, **settings).get("/readyz")
        found.append((answer.status_code, failing(answer.json()["checks"])))

    assert found == [(200, []), (503, ["worker"])]


def test_a_new_start_believes_no_proof_of_the_one_before(sessions: Factory) -> None:
    prove(sessions)
    with sessions.begin() as session:
        workers.forget_proofs(session)

    assert make_client(sessions, None).get("/readyz").status_code == 503


def test_not_ready_with_a_database_that_takes_no_writes(servers: Addresses) -> None:
    engine = create_engine(
        servers.database_url, connect_args={"options": "-c default_transaction_read_only=on"}
    )

    answer = make_client(sessionmaker(engine), None).get("/readyz")

    engine.dispose()
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["detail"].endswith("it is read-only")


def test_not_ready_without_a_broker(sessions: Factory) -> None:
    prove(sessions)
    queue = NotingQueue()
    queue.is_up = False

    answer = make_client(sessions, None, queue=queue).get("/readyz")

    assert (answer.status_code, failing(answer.json()["checks"])) == (503, ["broker"])


def test_not_ready_behind_the_newest_migration(sessions: Factory) -> None:
    prove(sessions)
    with sessions.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    answer = make_client(sessions, None).get("/readyz")

    assert (answer.status_code, failing(answer.json()["checks"])) == (503, ["migrations"])


def test_not_ready_without_a_database_and_nothing_is_told_of_it() -> None:
    answer = make_client(AWAY, None).get("/readyz")

    assert answer.status_code == 503
    assert failing(answer.json()["checks"]) == ["database", "migrations", "worker"]
    assert "nowhere" not in answer.text


def test_a_call_without_a_database_is_worth_another_try() -> None:
    answer = make_client(AWAY, "ab_key").get("/v1/forums/cooks")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_real_broker_is_asked(sessions: Factory, redis_url: str) -> None:
    prove(sessions)

    here = make_client(sessions, None, queue=CeleryQueue(redis_url)).get("/readyz")
    gone = make_client(sessions, None, queue=CeleryQueue(NO_BROKER)).get("/readyz")

    assert (here.status_code, gone.status_code) == (200, 503)


def test_a_question_is_taken_while_the_broker_is_away(sessions: Factory) -> None:
    queue = CeleryQueue(NO_BROKER)
    client = make_client(sessions, make_key(sessions, "cooks"), queue=queue)

    answer = client.put("/v1/forums/cooks/questions/1", json={"title": "How do I boil an egg?"})

    assert answer.status_code == 202


def metric(text: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found is not None, line
    return float(found.group(1))


def test_metrics_count_requests_by_route_and_work_by_lane(sessions: Factory) -> None:
    prove(sessions)
    client = make_client(sessions, make_key(sessions, "cooks"))
    with sessions.begin() as session:
        save_questions(session, make_forum(session), "a b", "c d", lane=Lane.ARCHIVE)
    for number in (7, 8):
        client.put(f"/v1/forums/cooks/questions/{number}", json={"title": "How do I boil an egg?"})
    client.get("/v1/forums/secret-forum")
    client.request("BREW", "/nowhere")

    answer = client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    put = 'method="PUT",route="/v1/forums/{forum}/questions/{question_id:path}"'
    assert metric(answer.text, f'askedbefore_http_requests_total{{{put},status="202"}}') == 2
    assert metric(answer.text, f"askedbefore_http_request_seconds_count{{{put}}}") == 2
    odd = 'askedbefore_http_requests_total{method="other",route="unmatched",status="404"}'
    assert metric(answer.text, odd) == 1
    assert metric(answer.text, 'askedbefore_jobs{lane="archive",state="pending"}') == 2
    assert metric(answer.text, 'askedbefore_jobs{lane="live",state="pending"}') == 2
    assert metric(answer.text, 'askedbefore_oldest_due_seconds{lane="live"}') >= 0
    assert metric(answer.text, 'askedbefore_questions_received_total{outcome="created"}') == 2
    assert metric(answer.text, "askedbefore_workers_proved") == 1
    assert metric(answer.text, "askedbefore_broker_up") == 1
    assert metric(answer.text, "askedbefore_database_up") == 1
    assert metric(answer.text, 'askedbefore_database_connections{which="used"}') >= 1
    quiet = 'askedbefore_class_oldest_due_seconds{forums="quiet",lane="live"}'
    assert metric(answer.text, quiet) >= 0
    assert "secret-forum" not in answer.text
    assert "cooks" not in answer.text


@pytest.mark.parametrize("is_up", [True, False])
def test_metrics_are_answered_while_everything_is_away(*, is_up: bool) -> None:
    queue = NotingQueue()
    queue.is_up = is_up

    answer = make_client(AWAY, None, queue=queue).get("/metrics")

    assert answer.status_code == 200
    assert metric(answer.text, "askedbefore_database_up") == 0
    assert metric(answer.text, "askedbefore_broker_up") == float(is_up)


def test_wake_ups_that_fail_are_counted(sessions: Factory) -> None:
    queue = NotingQueue()
    with make_client(sessions, make_key(sessions, "cooks"), queue=queue) as client:
        for is_up in (True, False, False):
            queue.is_up = is_up
            path = f"/v1/forums/cooks/questions/{len(queue.woken)}"
            assert client.put(path, json={"title": "How do I boil an egg?"}).status_code == 202

        answer = client.get("/metrics").text

    assert metric(answer, 'askedbefore_wakes_failed_total{lane="live"}') == 2


def test_redis_that_is_away_is_no_wake_up() -> None:
    assert CeleryQueue("redis://127.0.0.1:1/0").wake(Lane.LIVE) is False
