"""Processes of their own send one trace: from the request over Redis to the worker, and back."""

from cli.running.service import Service, wait_until
from tests.otlp_receiver import Receiver

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def test_a_collector_is_sent_the_way_from_the_submission_to_the_flag_and_the_decision(
    stack: Service, collector: Receiver
) -> None:
    where = "/v1/forums/traced/questions"
    with stack.client("traced") as client:
        client.put(
            f"{where}/1?wait=20", json={"title": "How do I get good at programming?"}
        ).raise_for_status()
        answer = client.put(
            f"{where}/2?wait=20",
            json={"title": "How to become a good programmer?"},
            headers=CALLER,
        ).json()
        pair = answer["duplicates"][0]["pair_id"]
        decided = {"traceparent": CALLER["traceparent"].replace(TRACE, TRACE[::-1])}
        client.post(
            f"/v1/forums/traced/pairs/{pair}/decision",
            json={"decision": "duplicate", "version": 1, "moderator": "ana"},
            headers=decided,
        ).raise_for_status()

    expected = {
        ("askedbefore-api", "PUT /v1/forums/{forum}/questions/{question_id:path}"),
        ("askedbefore-api", "apply_async/worker.drain_live"),
        *(
            ("askedbefore-worker", name)
            for name in ("questions.check", "embed", "search", "rerank", "save")
        ),
    }
    wait_until(lambda: expected <= collector.of(TRACE), timeout_s=30)
    wait_until(lambda: bool(collector.of(TRACE[::-1])), timeout_s=30)
    (decision,) = [span for span in collector.spans if span.trace == TRACE[::-1]]
    assert decision.name == "POST /v1/forums/{forum}/pairs/{pair_id}/decision"
    assert decision.links == (TRACE,)
    assert {span.trace for span in collector.spans} == {TRACE, TRACE[::-1]}
