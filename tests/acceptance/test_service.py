"""The running service: questions in, duplicates and traces out, whatever is killed meanwhile."""

import json
import os
import signal
import time

import redis

from cli.running.service import Service, wait_until
from cli.sample import load_questions
from tests.servers.collector import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
DECISION = "POST /v1/forums/{forum}/pairs/{pair_id}/decision"


def titles(count: int) -> list[str]:
    """Return *count* questions, every second one a twin of the one before."""
    sample = [str(question["title"]) for question in load_questions()]
    return [sample[n // 2].upper() if n % 2 else sample[n // 2] for n in range(count)]


def batch(count: int) -> dict[str, list[dict[str, str]]]:
    return {"questions": [{"id": str(n), "title": t} for n, t in enumerate(titles(count))]}


def test_a_question_goes_in_and_its_duplicates_come_out(stack: Service) -> None:
    with stack.client("way") as client:
        client.put(
            "/v1/forums/way/questions/1?wait=20",
            json={"title": "How do I get good at programming?"},
        ).raise_for_status()
        answer = client.put(
            "/v1/forums/way/questions/2?wait=20",
            json={"title": "How to become a good programmer?"},
        )

    assert answer.status_code == 200
    (duplicate,) = answer.json()["duplicates"]
    assert (answer.json()["state"], duplicate["id"], duplicate["kind"]) == ("done", "1", "model")
    assert duplicate["score"] > 0.8
    assert duplicate["cosine"] > 0.5


def test_alike_in_words_is_not_the_same_question(stack: Service) -> None:
    with stack.client("apples") as client:
        for n, title in enumerate(
            ("What do apples consist of?", "What are in Apple devices?"), start=1
        ):
            answer = client.put(f"/v1/forums/apples/questions/{n}?wait=20", json={"title": title})

    assert answer.json()["state"] == "done"
    assert answer.json()["duplicates"] == []


def test_a_check_answers_and_stores_nothing(stack: Service) -> None:
    with stack.client("check") as client:
        client.put(
            "/v1/forums/check/questions/1?wait=20",
            json={"title": "How do I get good at programming?"},
        ).raise_for_status()
        answer = client.post(
            "/v1/forums/check/check", json={"title": "How to become a good programmer?"}
        )
        twin = client.post(
            "/v1/forums/check/check", json={"title": "how do I get GOOD at programming"}
        )
        missing = client.get("/v1/forums/check/questions/2")

    assert [found["id"] for found in answer.json()["duplicates"]] == ["1"]
    assert [found["kind"] for found in twin.json()["duplicates"]] == ["same_text"]
    assert missing.status_code == 404


def test_a_worker_killed_in_mid_batch_loses_nothing(stack: Service) -> None:
    count = 400
    with stack.client("killed") as client:
        client.post("/v1/forums/killed/questions:batch", json=batch(count)).raise_for_status()
        wait_until(lambda: pending(client, "killed") < count, timeout_s=60)
        for child in stack.worker_children():
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: pending(client, "killed") == 0, timeout_s=120)

        assert_twins_are_paired(client, "killed", count)


def test_redis_flushed_in_mid_batch_loses_nothing(stack: Service) -> None:
    count = 400
    broker = redis.Redis.from_url(stack.servers.running.redis_url)
    with stack.client("flushed") as client:
        client.post("/v1/forums/flushed/questions:batch", json=batch(count)).raise_for_status()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            broker.flushdb()
            time.sleep(0.05)
        wait_until(lambda: pending(client, "flushed") == 0, timeout_s=120)

        assert_twins_are_paired(client, "flushed", count)
    broker.close()


def test_an_archive_outlives_the_worker_that_mines_it(stack: Service) -> None:
    wanted = titles(300)
    rows = [json.dumps({"id": str(n), "title": title}) for n, title in enumerate(wanted)]

    with stack.client("attic", timeout_s=180) as client:
        sent = client.post("/v1/forums/attic/archives?name=attic.ndjson", content="\n".join(rows))
        url = sent.headers["location"]
        for child in stack.worker_children():
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: client.get(url).json()["state"] == "done", timeout_s=120)
        told = client.get(url).json()
        path = "/v1/forums/attic/pairs?limit=500"
        pairs = client.get(path).json()["pairs"]

    assert sent.status_code == 202
    assert told["created"] == 300
    assert all(stage["done"] == stage["total"] for stage in told["progress"])
    twins = [pair["questions"] for pair in pairs if pair["kind"] == "same_text"]
    # The oldest of a text is in a pair with each of the others: every second one is no oldest.
    named = {question["id"] for pair in twins for question in pair}
    assert {str(n) for n in range(1, 300, 2)} <= named


def pending(client: object, forum: str) -> int:
    answer = client.get(f"/v1/forums/{forum}")  # type: ignore[attr-defined]
    answer.raise_for_status()
    return int(answer.json()["pending"])


def assert_twins_are_paired(client: object, forum: str, count: int) -> None:
    for n in range(0, count, 50):
        answer = client.get(f"/v1/forums/{forum}/questions/{n}").json()  # type: ignore[attr-defined]
        twins = [found["id"] for found in answer["duplicates"] if found["kind"] == "same_text"]
        assert answer["state"] == "done"
        assert str(n + 1) in twins


def test_one_trace_leads_from_the_put_over_the_worker_to_the_flag_and_the_decision_to_it(
    stack: Service, collector: Collector
) -> None:
    where = "/v1/forums/traced/questions"
    with stack.client("traced") as client:
        client.put(f"{where}/1?wait=20", json={"title": "How do I get good at programming?"})
        answer = client.put(
            f"{where}/2?wait=20", json={"title": "How to become a good programmer?"}, headers=CALLER
        ).json()
        pair = answer["duplicates"][0]["pair_id"]
        client.post(
            f"/v1/forums/traced/pairs/{pair}/decision",
            json={"decision": "duplicate", "version": 1, "moderator": "ana"},
        ).raise_for_status()

    wait_until(lambda: collector.named(DECISION) and in_trace(collector, "save"), timeout_s=30)
    assert in_trace(collector, "PUT /v1/forums/{forum}/questions/{question_id:path}") == {
        "askedbefore-api"
    }
    assert in_trace(collector, "apply_async/worker.drain_live") == {"askedbefore-api"}
    for step in ("questions.check", "embed", "save"):
        assert in_trace(collector, step) == {"askedbefore-worker"}, step
    (decision,) = collector.named(DECISION)
    assert decision.trace != TRACE
    assert decision.links == {TRACE}


def in_trace(collector: Collector, name: str) -> set[str]:
    """Return which processes sent spans of this name in the caller's trace."""
    return {span.service for span in collector.named(name) if span.trace == TRACE}
