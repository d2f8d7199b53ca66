"""Imports and mines every distinct question with a running service."""

import csv
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from sqlalchemy import select

from bench.archives.data import Context, Keys, inside, keys_of, peak_of, with_partners
from cli.running.service import Service, running_servers, running_service
from db.engine import Sessions
from db.tables.pairs import Pair
from db.tables.questions import Question
from worker.archives.report import make_report

QUESTIONS = 278_395
_FORUM = "whole"
_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Whole:
    client: httpx2.Client
    service: Service
    workers: Sequence[str]

    @property
    def sessions(self) -> Sessions:
        return self.service.sessions


def measure(context: Context) -> None:
    """Note the results of an archive of all questions; continues an earlier, stopped run."""
    chosen = with_partners(context.data, context.questions(QUESTIONS))
    with _started(context.work / f"whole-{len(chosen)}", context.workers) as whole:
        url = _uploaded(context, whole, chosen)
        told = _followed(context, whole, url)
        context.note("questions stored", told["created"])
        for stage in told["progress"]:
            context.note(
                f"stage {stage['stage']}",
                f"{stage['done']:,} done, {stage['found']:,} found, {stage['work_s']:,.0f} s of"
                f" work, {stage['rate']:,.0f}/s at its end",
            )
        _note_report(context, whole, int(url.rsplit("/", 1)[1]))
        _note_recall(context, whole, chosen)
        children = [pid for name in whole.workers for pid in whole.service.worker_children(name)]
        worker = max(map(peak_of, children))
        context.note("peak memory of a worker's model process, MiB", round(worker))


@contextmanager
def _started(folder: Path, count: int) -> Iterator[_Whole]:
    workers = [f"worker-{number}" for number in range(count)]
    threads = max(1, (os.cpu_count() or 1) // count)
    settings = {
        "ASKEDBEFORE_MAX_ARCHIVE_BYTES": str(1 << 30),
        "ASKEDBEFORE_THREADS": str(threads),
    }
    with (
        running_servers(folder) as servers,
        running_service(servers, workers=workers, settings=settings) as service,
        service.client(_FORUM, timeout_s=3_600) as client,
    ):
        yield _Whole(client, service, workers)


def _uploaded(context: Context, whole: _Whole, chosen: np.ndarray[Any, Any]) -> str:
    path = f"/v1/forums/{_FORUM}/archives"
    for held in whole.client.get(path).raise_for_status().json():
        if held["stage"] != "load":
            context.say("going on with the archive of an earlier run")
            return f"/v1/archives/{held['id']}"
    file = io.StringIO()
    rows = ((f"q{one}", context.data.questions[one]) for one in chosen.tolist())
    csv.writer(file).writerows([("id", "title"), *rows])
    begun = time.perf_counter()
    sent = whole.client.post(f"{path}?name=whole.csv", content=file.getvalue().encode())
    sent.raise_for_status()
    took = time.perf_counter() - begun
    context.note("uploaded and stored over HTTP", f"{len(chosen) / took:,.0f} rows/s")
    return str(sent.headers["location"])


def _followed(context: Context, whole: _Whole, url: str) -> Mapping[str, Any]:
    """Wait until the archive is mined, and return the service's report of it."""
    while True:
        told: dict[str, Any] = whole.client.get(url).raise_for_status().json()
        if told["state"] == "done":
            return told
        if told["progress"]:
            now = told["progress"][-1]
            left = "?" if now["eta_s"] is None else f"{now['eta_s']:,.0f}"
            context.say(f"{now['stage']} {now['done']:,} of {now['total']:,}, {left} s left of it")
        time.sleep(_PAUSE_S)


def _note_report(context: Context, whole: _Whole, archive_id: int) -> None:
    with whole.sessions.begin() as session:
        report = make_report(session, archive_id)
    context.note("near pairs, reranked", f"{report.candidates:,}, {report.reranked:,}")
    context.note("pairs flagged", report.pairs)
    context.note("of these by kind", ", ".join(f"{n:,} {k}" for k, n in report.by_kind.items()))
    context.note("groups, questions in them", f"{report.groups:,}, {report.grouped:,}")
    context.note("units set aside", report.set_aside)
    context.note("from the upload to the end", f"{report.elapsed_s:,.0f} s")


def _note_recall(context: Context, whole: _Whole, chosen: np.ndarray[Any, Any]) -> None:
    flagged = _flagged(whole.sessions, chosen)
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
