"""Measures the server time of the console with 100,000 pairs in the queue: page, stage, decision.

``python -m bench.console`` starts a database of its own and prints a Markdown table.
"""

import statistics
import time
from collections.abc import Callable

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from api.app import create_app
from api.settings import ApiSettings
from cli.running.service import running_servers
from db.engine import make_sessions
from db.tenants import forums, people
from db.tenants.people import Role
from worker.queue import CeleryQueue

PAIRS = 100_000
WARM_UP, ROUNDS = 5, 40
_PASSWORD = "only for this measurement"  # noqa: S105  # of a database that is thrown away
_HTML = {"Accept": "text/html"}

_SEED = """
INSERT INTO questions (forum_id, external_id, title, body, category, asked_at, text_fields,
                       text_digest, content_digest)
SELECT 1, n, 'How do I ' || md5(n::text) || ' the ' || md5((n / 3)::text), repeat('words ', 60),
       'category ' || (n + 1) / 2 % 40, now() - n * interval '1 minute', 'title', ''::bytea,
       ''::bytea
FROM generate_series(1, 2 * :pairs + 4) AS n;
INSERT INTO pairs (forum_id, low_id, high_id, kind, cosine, logit_low_high, score, threshold,
                   low_text_version, high_text_version, status, flagged_at)
SELECT 1, 2 * n - 1, 2 * n, 'model', 0.8, 1.5, 0.5 + 0.5 * random(), 0.5, 1, 1,
       'flagged', now() - n * interval '1 second'
FROM generate_series(1, :pairs * 8 / 10) AS n;
-- Some questions are flagged with those of the next two pairs too: entries of five pairs.
INSERT INTO pairs (forum_id, low_id, high_id, kind, cosine, logit_low_high, score, threshold,
                   low_text_version, high_text_version, status, flagged_at)
SELECT 1, 20 * n, 20 * n + 2 * step, 'model', 0.8, 1.5, 0.5 + 0.5 * random(), 0.5, 1, 1,
       'flagged', now() - n * interval '1 second'
FROM generate_series(1, :pairs / 10) AS n, generate_series(1, 2) AS step;
"""


def _seed(engine: Engine) -> None:
    with make_sessions(engine).begin() as session:
        forum = forums.ensure_forum(session, "bench")
        ana = people.ensure_person(session, "Ana")
        people.set_password(session, ana.id, _PASSWORD)
        people.set_role(session, ana.id, forum.id, Role.ADMIN)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.execute(text(_SEED), {"pairs": PAIRS})
    # As autovacuum does a minute later: statistics, and the visibility map for index-only scans.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _measure(name: str, call: Callable[[int], object]) -> None:
    for turn in range(WARM_UP):
        call(turn)
    times, work = [], []
    for turn in range(WARM_UP, WARM_UP + ROUNDS):
        begun, worked = time.perf_counter(), time.process_time()
        call(turn)
        times.append((time.perf_counter() - begun) * 1000)
        work.append((time.process_time() - worked) * 1000)
    middle, most = statistics.median(times), sorted(times)[int(0.95 * ROUNDS)]
    own = statistics.median(work)
    print(f"| {name} | {middle:.0f} ms | {most:.0f} ms | {own:.0f} ms |", flush=True)


def _get(client: TestClient, path: str) -> None:
    client.get(path, headers=_HTML).raise_for_status()


def _run(client: TestClient) -> None:
    print(f"The console with {PAIRS:,} pairs in the queue, server time:\n")
    print("| what | p50 | p95 | of it the API's own work |\n|---|---|---|---|")
    client.post("/console/sign-in", data={"name": "Ana", "secret": _PASSWORD}, headers=_HTML)
    page = client.get("/console/bench/review", headers=_HTML).text
    client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]
    for sort in ("certain", "useful", "oldest"):
        _measure(
            f"queue, {sort}", lambda _, s=sort: _get(client, f"/console/bench/review?sort={s}")
        )
    _measure(
        "queue, one category", lambda _: _get(client, "/console/bench/review?category=category+7")
    )
    _measure("queue, words in the title", lambda _: _get(client, "/console/bench/review?q=abcd"))
    _measure(
        "more of the list", lambda turn: _get(client, f"/console/bench/queue?after={turn + 1}")
    )
    _measure(
        "stage of several",
        lambda turn: _get(client, f"/console/bench/pairs/{10 * turn + 10}/stage"),
    )
    _measure("stage", lambda turn: _get(client, f"/console/bench/pairs/{turn + 1}/stage"))
    for status in ("not_duplicate", "duplicate"):
        first = 1_000 if status == "duplicate" else 2_000
        _measure(
            f"decision, {status}",
            lambda turn, s=status, f=first: client.post(
                f"/console/bench/pairs/{f + turn}/decision", data={"status": s, "version": "1"}
            ).raise_for_status(),
        )


def main() -> None:
    """Measure, and print."""
    with running_servers() as servers:
        _seed(servers.engine)
        settings = ApiSettings.model_validate(
            {"redis_url": servers.running.redis_url, "secret_key": "0123456789abcdef" * 2}
        )
        queue = CeleryQueue(servers.running.redis_url)
        with TestClient(create_app(settings, servers.sessions, queue)) as client:
            _run(client)


if __name__ == "__main__":
    main()
