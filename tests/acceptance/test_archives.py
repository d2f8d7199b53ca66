"""An archive through the running service: uploaded, mined by a real worker that is killed once."""

import json
import os
import signal

from tests.acceptance.conftest import Stack, wait_for
from tests.acceptance.test_service import titles, worker_children


def test_an_archive_outlives_the_worker_that_mines_it(stack: Stack) -> None:
    wanted = titles(300)
    rows = [json.dumps({"id": str(n), "title": title}) for n, title in enumerate(wanted)]

    with stack.client("attic") as client:
        sent = client.post("/v1/forums/attic/archives?name=attic.ndjson", content="\n".join(rows))
        url = sent.headers["location"]
        for child in worker_children(stack):
            os.kill(child, signal.SIGKILL)
        wait_for(lambda: client.get(url).json()["state"] == "done")
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
