"""Archives over HTTP."""

import gzip
import json

import pytest

from db.archives.archives import Stage
from db.work.rows import Lane
from tests.integration.api.routes.test_health import metric
from tests.integration.worker.archives.stages.test_slices import advance_to
from tests.integration.worker.archives.stages.test_steps import expected, found, mine, named
from tests.rows.archive_factories import (
    Factory,
    bring_in,
    make_models,
    make_worker,
    records,
    titles,
)
from tests.servers.api_service import NotingQueue, make_client, make_key
from worker.live.check import Checker
from worker.matching.models import Limits
from worker.queue import CheckRequest

NDJSON = "".join(
    json.dumps({"id": f"q{number}", "title": title}) + "\n"
    for number, title in enumerate(titles(60), start=1)
)


def test_an_uploaded_archive_is_stored_mined_and_told_about(committed: Factory) -> None:
    queue = NotingQueue()
    client = make_client(committed, make_key(committed, "cooks"), queue=queue)

    with client:
        sent = client.post(
            "/v1/forums/cooks/archives?name=old.ndjson", content=gzip.compress(NDJSON.encode())
        )
        mine(make_worker(committed))
        told = client.get(sent.headers["location"]).json()
        listed = client.get("/v1/forums/cooks/archives").json()

    assert sent.status_code == 202, sent.text
    assert queue.woken == [Lane.ARCHIVE]
    assert (sent.json()["created"], sent.json()["format"]) == (60, "jsonl")
    assert named(found(committed)) == expected(titles(60))
    assert (told["state"], told["stage"], told["rejected"]) == ("done", "done", 0)
    assert all(stage["done"] == stage["total"] for stage in told["progress"])
    assert [one["id"] for one in listed] == [told["id"]]


def test_bad_rows_are_named_and_a_bad_file_is_a_problem(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))

    with client:
        sent = client.post("/v1/forums/cooks/archives", content=NDJSON + "no json\n").json()
        bad = client.post("/v1/forums/cooks/archives", content="height,weight\n1,2\n")
        bomb = client.post(
            "/v1/forums/cooks/archives", content=gzip.compress(b"id,title\n" + b" " * (100 << 20))
        )

    assert [one["line"] for one in sent["rejects"]] == [61]
    assert bad.status_code == bomb.status_code == 422
    assert "'height', 'weight'" in bad.json()["detail"]
    assert "bomb" in bomb.json()["detail"]


def test_an_archive_can_be_larger_than_other_bodies_but_not_without_limit(
    committed: Factory,
) -> None:
    key = make_key(committed, "cooks")
    client = make_client(committed, key, max_payload_bytes=100, max_archive_bytes=10_000)

    with client:
        large = client.post("/v1/forums/cooks/archives", content=NDJSON)
        larger = client.post("/v1/forums/cooks/archives", content=NDJSON * 10)

    assert large.status_code == 202
    assert larger.status_code == 413


def test_pause_resume_and_cancel(committed: Factory) -> None:
    queue = NotingQueue()
    client = make_client(committed, make_key(committed, "cooks"), queue=queue)

    with client:
        url = client.post("/v1/forums/cooks/archives", content=NDJSON).headers["location"]
        states = [client.post(f"{url}/{verb}").json()["state"] for verb in ("pause", "resume")]
        cancelled = client.post(f"{url}/cancel").json()["state"]
        late = client.post(f"{url}/resume")

    assert states == ["paused", "running"]
    assert cancelled == "cancelled"
    assert late.status_code == 409
    assert queue.woken == [Lane.ARCHIVE, Lane.ARCHIVE]


@pytest.mark.parametrize(
    ("names", "scopes", "status"), [(("others",), ("submit",), 404), (("cooks",), ("review",), 403)]
)
def test_other_keys_can_not_touch_it(
    committed: Factory, names: tuple[str, ...], scopes: tuple[str, ...], status: int
) -> None:
    owner = make_client(committed, make_key(committed, "cooks"))
    with owner:
        url = owner.post("/v1/forums/cooks/archives", content=NDJSON).headers["location"]
    other = make_client(committed, make_key(committed, *names, scopes=scopes))

    with other:
        answers = [
            other.post(f"{url}/cancel").status_code,
            other.post("/v1/forums/cooks/archives", content=NDJSON).status_code,
        ]

    assert answers == [status, status]


def test_a_question_of_an_archive_is_pending_until_the_archive_is_mined(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))

    def state() -> str:
        return str(client.get("/v1/forums/cooks/questions/q1").json()["state"])

    with client:
        url = client.post("/v1/forums/cooks/archives", content=NDJSON).headers["location"]
        stored = state()
        client.post(f"{url}/pause")
        paused = state()
        again = client.put("/v1/forums/cooks/questions/q1", json={"title": titles(1)[0]})
        client.post(f"{url}/resume")
        advance_to(committed, int(url.rsplit("/", 1)[1]), Stage.RERANK)
        embedded = state()
        mine(make_worker(committed))
        mined = state()

    assert (stored, paused, embedded, mined) == ("pending", "pending", "pending", "done")
    assert (again.status_code, again.json()["state"]) == (200, "pending")


def test_a_question_whose_archive_was_cancelled_says_so(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))

    with client:
        url = client.post("/v1/forums/cooks/archives", content=NDJSON).headers["location"]
        client.post(f"{url}/cancel")
        told = client.get("/v1/forums/cooks/questions/q1").json()

    assert told["state"] == "failed"
    assert "cancelled" in told["error"]


def test_a_search_finds_what_an_archive_has_embedded_before_it_is_mined(
    committed: Factory,
) -> None:
    forum, archive = bring_in(committed, records(titles(40)))
    advance_to(committed, archive.id, Stage.RERANK)

    asked = CheckRequest(forum_id=forum.id, title="How do I change my password 0 here, please?")
    answer = Checker(committed, make_models(committed), Limits()).answer(asked)

    assert {"q1", "q2"} <= {one.id for one in answer.duplicates}


def test_metrics_count_what_archives_have_not_mined_yet(committed: Factory) -> None:
    client = make_client(committed, make_key(committed, "cooks"))
    line = 'askedbefore_jobs{lane="archive",state="unmined"}'

    with client:
        client.post("/v1/forums/cooks/archives", content=NDJSON)
        before = metric(client.get("/metrics").text, line)
        mine(make_worker(committed))
        after = metric(client.get("/metrics").text, line)

    assert (before, after) == (60, 0)
