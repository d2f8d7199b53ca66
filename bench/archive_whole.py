"""Every distinct question, imported and mined through a running service."""

import csv
import io
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from sqlalchemy import select

from bench.archive_data import Context, Keys, inside, keys_of, peak_of, with_partners
from bench.service import child_pids, free_port, is_ready, wait_for
from cli.embedded import EmbeddedServers
from cli.home import environment, hold
from cli.supervisor import Supervisor
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.settings import DatabaseSettings
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tenants import forums, keys
from worker.archives.report import make_report

QUESTIONS = 278_395
_FORUM = "whole"
_PAUSE_S = 5.0
_WORKERS = ("first", "second")
"""They share the cores: while one waits for Postgres, the other's models go on."""


@dataclass(frozen=True, slots=True)
class _Service:
    client: httpx2.Client
    sessions: Sessions
    supervisor: Supervisor


def measure(context: Context) -> None:
    """Note what became of an archive of all questions; goes on where an earlier run was stopped."""
    chosen = with_partners(context.data, context.questions(QUESTIONS))
    with _started(context.work / f"whole-{len(chosen)}") as service:
        url = _uploaded(context, service, chosen)
        told = _followed(context, service, url)
        context.note("questions stored", told["created"])
        for stage in told["progress"]:
            context.note(
                f"stage {stage['stage']}",
                f"{stage['done']:,} done, {stage['found']:,} found, {stage['work_s']:,.0f} s of"
                f" work, {stage['rate']:,.0f}/s at its end",
            )
        _note_report(context, service, int(url.rsplit("/", 1)[1]))
        _note_recall(context, service, chosen)
        parents = [service.supervisor.pid(name) for name in _WORKERS]
        worker = max(peak_of(pid) for parent in parents for pid in child_pids(parent))
        context.note("peak memory of a worker's model process, MiB", round(worker))


@contextmanager
def _started(folder: Path) -> Iterator[_Service]:
    folder.mkdir(parents=True, exist_ok=True)
    with EmbeddedServers(folder) as servers, hold(folder, lambda: servers.addresses) as running:
        values = {"database_url": running.database_url}
        engine = make_engine(DatabaseSettings.model_validate(values))
        schema.upgrade(engine)
        sessions = make_sessions(engine)
        with sessions.begin() as session:
            forum = forums.ensure_forum(session, _FORUM)
            key = keys.create_key(
                session, name="bench", forum_ids=[forum.id], scopes=["submit", "review"]
            )
        port = free_port()
        threads = max(1, (os.cpu_count() or 1) // len(_WORKERS))
        given = environment(running) | {
            "ASKEDBEFORE_MAX_ARCHIVE_BYTES": str(1 << 30),
            "ASKEDBEFORE_THREADS": str(threads),
        }
        with Supervisor(folder / "logs", given) as supervisor:
            supervisor.start("api", ["api", "--port", str(port)])
            for name in _WORKERS:
                supervisor.start(name, ["worker", "--name", name])
            supervisor.start("beat", ["beat"])
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: is_ready(url))
            headers = {"Authorization": f"Bearer {key}"}
            with httpx2.Client(base_url=url, headers=headers, timeout=3_600) as client:
                yield _Service(client, sessions, supervisor)
        engine.dispose()


def _uploaded(context: Context, service: _Service, chosen: np.ndarray[Any, Any]) -> str:
    path = f"/v1/forums/{_FORUM}/archives"
    for held in service.client.get(path).raise_for_status().json():
        if held["stage"] != "load":
            context.say("going on with the archive of an earlier run")
            return f"/v1/archives/{held['id']}"
    file = io.StringIO()
    rows = ((f"q{one}", context.data.questions[one]) for one in chosen.tolist())
    csv.writer(file).writerows([("id", "title"), *rows])
    begun = time.perf_counter()
    sent = service.client.post(f"{path}?name=whole.csv", content=file.getvalue().encode())
    sent.raise_for_status()
    took = time.perf_counter() - begun
    context.note("uploaded and stored over HTTP", f"{len(chosen) / took:,.0f} rows/s")
    return str(sent.headers["location"])


def _followed(context: Context, service: _Service, url: str) -> Mapping[str, Any]:
    """Return what the service says of the archive when it is mined."""
    while True:
        told: dict[str, Any] = service.client.get(url).raise_for_status().json()
        if told["state"] == "done":
            return told
        if told["progress"]:
            now = told["progress"][-1]
            left = "?" if now["eta_s"] is None else f"{now['eta_s']:,.0f}"
            context.say(f"{now['stage']} {now['done']:,} of {now['total']:,}, {left} s left of it")
        time.sleep(_PAUSE_S)


def _note_report(context: Context, service: _Service, archive_id: int) -> None:
    with service.sessions.begin() as session:
        report = make_report(session, archive_id)
    context.note("near pairs, reranked", f"{report.candidates:,}, {report.reranked:,}")
    context.note("pairs flagged", report.pairs)
    context.note("of these by kind", ", ".join(f"{n:,} {k}" for k, n in report.by_kind.items()))
    context.note("groups, questions in them", f"{report.groups:,}, {report.grouped:,}")
    context.note("units set aside", report.set_aside)
    context.note("from the upload to the end", f"{report.elapsed_s:,.0f} s")


def _note_recall(context: Context, service: _Service, chosen: np.ndarray[Any, Any]) -> None:
    flagged = _flagged(service.sessions, chosen)
    known = context.data.duplicates
    dev = (known >= context.data.dev.start).all(axis=1) & (known < context.data.dev.stop).all(
        axis=1
    )
    for name, which in (("all", known), ("of dev, which no model has seen", known[dev])):
        right = keys_of(inside(which, chosen), len(chosen))
        hit = int(np.isin(right, flagged).sum())
        share = hit / max(len(right), 1)
        context.note(
            f"known duplicates flagged, {name}", f"{hit:,} of {len(right):,} ({share:.3f})"
        )


def _flagged(sessions: Sessions, chosen: np.ndarray[Any, Any]) -> Keys:
    with sessions.begin() as session:
        names = session.execute(select(Question.id, Question.external_id)).all()
        pairs = session.execute(select(Pair.low_id, Pair.high_id)).all()
    place = {row.id: int(row.external_id[1:]) for row in names}
    found = [sorted((place[row.low_id], place[row.high_id])) for row in pairs]
    wanted = np.array(found, dtype=np.int64).reshape(-1, 2)
    return keys_of(inside(wanted, chosen), len(chosen))
