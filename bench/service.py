"""Measures a running service: latency, submit rates, the worker's overhead, the cascade, memory.

``python -m bench.service`` starts the whole service in a temporary folder with 20,000 stored
questions and prints a Markdown table. Ratios compare measurements of the same minute. ``--stored
180000`` changes the number of stored questions. With ``--against FOLDER``, another checkout of
0.4.0 or later is measured too, in turns with this one.
"""

import argparse
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete
from threadpoolctl import threadpool_limits

from bench import side_by_side
from bench.texts import questions as some_questions
from cli.running.home import Running
from cli.running.service import Service, running_servers, running_service, stopped
from db.engine import Sessions
from db.questions import saving
from db.questions.rows import NewQuestion
from db.tables.questions import Job
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from worker.live.drain import Drain
from worker.live.fill import fill
from worker.live.pipeline import Pipeline
from worker.matching.memory import MEMORY_BYTES, VectorMemory
from worker.matching.models import Limits, Models
from worker.process.logs import configure_logs
from worker.process.pace import set_pace
from worker.queue import CeleryQueue
from worker.resources import register
from worker.settings import WorkerSettings
from worker.text.normal import estimate_tokens, full_text, text_digest
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER, load_encoder, load_reranker

STORED = 20_000
ASKED = 200
DRAINED = 1_000
FORUM = "bench"

Row = tuple[str, str]


class Clock:
    """Counts the seconds in which at least one model was running."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._running = 0
        self._since = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def going(self) -> Iterator[None]:
        """Count the time of the block."""
        with self._lock:
            if not self._running:
                self._since = time.perf_counter()
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self.seconds += time.perf_counter() - self._since


class Clocked:
    """A model with a clock, and the number of its inputs."""

    def __init__(self, model: Any, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self.inputs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode, and count the time."""
        return self._timed(len(texts), lambda: self._model.encode(texts))

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        """Score, and count the time."""
        return self._timed(len(pairs), lambda: self._model.score(texts, pairs))

    def _timed(self, inputs: int, call: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        self.inputs += inputs
        with self._clock.going():
            return call()


@dataclass(frozen=True, slots=True)
class Bench:
    """A running service with stored questions, and models of this process to compare with."""

    service: Service
    forum: ForumRow
    models: Models

    @property
    def sessions(self) -> Sessions:
        """Return sessions on the service's database."""
        return self.service.sessions

    @property
    def redis_url(self) -> str:
        """Return the URL of the service's Redis."""
        return self.service.servers.running.redis_url

    def client(self) -> httpx2.Client:
        """Return a client of the service."""
        return self.service.client(FORUM)


def new_questions(titles: Sequence[str], *, first: int) -> list[NewQuestion]:
    """Return the titles as questions with the ids from *first* on."""
    return [
        NewQuestion(
            external_id=str(number),
            title=title,
            text_fields="title",
            text_digest=text_digest(full_text(title)),
            content_digest=text_digest(title),
            foreign_share=0.0,
            tokens=estimate_tokens(title),
        )
        for number, title in enumerate(titles, start=first)
    ]


@contextmanager
def started(data: Path | None = None) -> Iterator[Bench]:
    """Start a service with `STORED` embedded questions, from the folder *data* if it is given."""
    with running_servers() as servers:
        models, forum = _stored(servers.sessions, servers.running, data)
        with running_service(servers) as service:
            yield Bench(service, forum, models)


def _stored(sessions: Sessions, running: Running, data: Path | None) -> tuple[Models, ForumRow]:
    settings = WorkerSettings.model_validate({"redis_url": running.redis_url})
    encoder = load_encoder(DEFAULT_ENCODER, device="auto", cache=settings.model_cache)
    reranker = load_reranker(DEFAULT_RERANKER, device="auto", cache=settings.model_cache)
    models = register(sessions, encoder, reranker)
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, FORUM)
        forum = forums.update_forum(session, FORUM, pending_limit=1_000_000)
    titles = some_questions(STORED, folder=data)
    for start in range(0, STORED, 1_000):
        with sessions.begin() as session:
            batch = new_questions(titles[start : start + 1_000], first=start)
            saving.save(session, forum, batch, lane=Lane.LIVE)
            session.execute(delete(Job))
    fill(sessions, encoder, models.bi_encoder, on_done=lambda _: None)
    return models, forum


def latency(bench: Bench, titles: Sequence[str]) -> list[Row]:
    """Return the seconds of one question on an idle service: submitted, and only checked."""
    with bench.client() as client:
        live = [
            _timed(lambda n=n, title=title: _put(client, f"live-{n}", title))  # type: ignore[misc]
            for n, title in enumerate(titles)
        ]
        asked = [_timed(lambda title=title: _check(client, title)) for title in titles]  # type: ignore[misc]
    return [
        (f"live question, submitted to answered, {STORED:,} stored", _quantiles(live)),
        (f"`check`, asked to answered, {STORED:,} stored", _quantiles(asked)),
    ]


def _put(client: httpx2.Client, name: str, title: str) -> None:
    path = f"/v1/forums/{FORUM}/questions/{name}?wait=10"
    answer = client.put(path, json={"title": title})
    answer.raise_for_status()
    if answer.json()["state"] != "done":
        raise RuntimeError("a live question was not answered in time")


def _check(client: httpx2.Client, title: str) -> None:
    client.post(f"/v1/forums/{FORUM}/check", json={"title": title}).raise_for_status()


def submit_rates(bench: Bench, titles: Sequence[str]) -> list[Row]:
    """Return the rate of accepted questions while the worker is suspended."""
    worker = bench.service.supervisor.pid("worker")
    with bench.client() as client, ThreadPoolExecutor(4) as pool, stopped(worker):

        def put(number: int) -> None:
            path = f"/v1/forums/{FORUM}/questions/single-{number}"
            client.put(path, json={"title": titles[number]}).raise_for_status()

        single = _timed(lambda: list(pool.map(put, range(500))))
        items = [{"id": f"batch-{n}", "title": title} for n, title in enumerate(titles)]
        path = f"/v1/forums/{FORUM}/questions:batch"
        batch = _timed(
            lambda: [
                client.post(path, json={"questions": items[at : at + 500]}).raise_for_status()
                for at in range(0, len(items), 500)
            ]
        )
    return [
        ("API, single submits, 4 clients", f"{500 / single:,.0f}/s"),
        ("API, batches of 500, 1 client", f"{len(items) / batch:,.0f}/s"),
    ]


def drain(bench: Bench, titles: Sequence[str]) -> list[Row]:
    """Return the worker's speed, the share of time with a running model, and the saved inputs."""
    clock = Clock()
    encoder, reranker = Clocked(bench.models.encoder, clock), Clocked(bench.models.reranker, clock)
    models = Models(
        encoder=encoder,
        reranker=reranker,
        bi_encoder=bench.models.bi_encoder,
        cross_encoder=bench.models.cross_encoder,
    )
    with stopped(bench.service.supervisor.pid("worker")):
        _clear_jobs(bench.sessions)
        with bench.sessions.begin() as session:
            batch = new_questions(titles, first=10_000_000)
            saving.save(session, bench.forum, batch, lane=Lane.ARCHIVE)
        lane = Drain(
            Lane.ARCHIVE,
            sessions=bench.sessions,
            queue=CeleryQueue(bench.redis_url),
            slice_s=0.5,
            token_budget=16_384,
            claim_limit=1_024,
            lease_s=300,
            at_once=2,
        )
        memory = VectorMemory(MEMORY_BYTES)
        pipeline = Pipeline(bench.sessions, models, Limits(), memory=memory)
        with threadpool_limits(limits=1, user_api="blas"):  # as in a worker
            with bench.sessions.begin() as session:
                memory.warm(session, models.bi_encoder)  # as a worker does when it starts
            set_pace()
            begun = time.perf_counter()
            while lane.run(pipeline.process):
                pass
        took = time.perf_counter() - begun
    calls = reranker.inputs / len(titles)
    return [
        ("worker end to end, one process", f"{len(titles) / took:,.0f} questions/s"),
        ("worker over its bare models", f"{clock.seconds / took:.2f}"),
        ("CrossEncoder inputs a question, top 100 in both orders", "200"),
        ("CrossEncoder inputs a question, with the cascade", f"{calls:.1f}"),
    ]


def memory(bench: Bench) -> list[Row]:
    """Return the peak memory of the API process and of the worker's model process."""
    children = bench.service.worker_children()
    return [
        ("peak memory, worker's model process", f"{_peak_mib(children[0]):,.0f} MiB"),
        ("peak memory, API process", f"{_peak_mib(bench.service.supervisor.pid('api')):,.0f} MiB"),
    ]


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _clear_jobs(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(delete(Job))


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _quantiles(seconds: Sequence[float]) -> str:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1_000
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms"


def main() -> None:
    """Print the table."""
    configure_logs(level="WARNING")
    parser = argparse.ArgumentParser(prog="python -m bench service")
    parser.add_argument("--stored", type=int, help="questions that are stored before")
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each measurement")
    given = parser.parse_args()
    if given.stored or given.against:
        side_by_side.run(stored=given.stored or STORED, against=given.against, rounds=given.rounds)
        return
    titles = some_questions(STORED + 2 * ASKED + 3_000 + DRAINED)[STORED:]
    with started() as bench:
        rows = latency(bench, titles[:ASKED])
        rows += submit_rates(bench, titles[ASKED : ASKED + 3_000])
        rows += drain(bench, titles[-DRAINED:])
        rows += memory(bench)
    print("| service | measured |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
