"""Measures live questions while an archive is mined, and while none is."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from bench.archives.data import Context
from bench.service import STORED, Bench, started
from bench.texts import questions as some_questions
from db.archives import archives
from db.archives.archives import ArchiveState, Stage
from db.work.rows import Lane
from worker.archives.loading.load import load
from worker.archives.readers import Record, SourceQuestion
from worker.queue import CeleryQueue

LIVE = 100
ARCHIVED = 15_000


def measure(context: Context) -> None:
    """Note the times of live questions with and without an archive that is being mined.

    One worker does both. The second measurement begins when the archive has reached the stage
    rerank. The first question of each is not counted: for it the worker reads the new vectors of
    the forum into its memory.
    """
    archived = context.questions(ARCHIVED)
    asked = LIVE + 1
    titles = some_questions(STORED + 2 * asked + archived, folder=context.folder)[STORED:]
    quiet, busy = titles[:asked], titles[asked : 2 * asked]
    context.say(f"starting a service that holds {STORED:,} questions")
    with started(context.folder) as bench:
        alone = _latencies(bench, quiet, prefix="quiet")
        context.note(f"live question, no archive, {LIVE} of them", _quantiles(alone))
        archive_id = _bring_in(bench, titles[2 * asked :])
        _wait_for_rerank(context, bench, archive_id)
        beside = _latencies(bench, busy, prefix="busy")
        with bench.sessions.begin() as session:
            state = archives.get(session, archive_id).state
        what = f"live question while {archived:,} questions are reranked, same worker"
        context.note(what, _quantiles(beside))
        if state is not ArchiveState.RUNNING:
            context.note(
                "but", "the archive was mined before the last answer: repeat with a larger archive"
            )


def _wait_for_rerank(context: Context, bench: Bench, archive_id: int) -> None:
    # Reranking takes the longest by far, and its units are the hardest to interrupt.
    while True:
        with bench.sessions.begin() as session:
            row = archives.get(session, archive_id)
        if row.stage in {Stage.RERANK, Stage.FINISH, Stage.DONE}:
            return
        context.say(f"the archive is at {row.stage}")
        time.sleep(2)


def _latencies(bench: Bench, titles: Sequence[str], *, prefix: str) -> list[float]:
    seconds = []
    with bench.client() as client:
        for number, title in enumerate(titles):
            begun = time.perf_counter()
            path = f"/v1/forums/{bench.forum.name}/questions/{prefix}-{number}?wait=10"
            answer = client.put(path, json={"title": title})
            answer.raise_for_status()
            if answer.json()["state"] != "done":
                raise RuntimeError("a live question was not answered in time")
            seconds.append(time.perf_counter() - begun)
            time.sleep(0.1)
    return seconds[1:]


def _bring_in(bench: Bench, titles: Sequence[str]) -> int:
    with bench.sessions.begin() as session:
        row = archives.create(session, bench.forum.id, name="bench", form="csv", top_k=100)
    load(bench.sessions, bench.forum, row, _records(titles))
    CeleryQueue(bench.redis_url).wake(Lane.ARCHIVE)
    return row.id


def _records(titles: Sequence[str]) -> Iterator[Record]:
    for number, title in enumerate(titles):
        yield SourceQuestion(f"archived-{number}", title, line=number)


def _quantiles(seconds: Sequence[float]) -> str:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1_000
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms"
