"""What a collector of traces receives from the running service, over HTTP and over Celery."""

from cli.running.service import Service, wait_until
from tests.servers.collector import Collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
DECISION = "POST /v1/forums/{forum}/pairs/{pair_id}/decision"


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
