"""Measures the cost of an archive: rows a second, memory, and work per question by its size."""

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.archives.data import Context, with_partners, work_s
from cli.running.service import running_servers
from worker.archives.searching.blocks import BlockSearch, all_near
from worker.matching.archived import score_many
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.text.normal import Seen

SIZES = (10_000, 50_000, 250_000)
LOADED = 278_000
TOP = 100
_SAMPLE = 2_000
_COMPARED = 50_000
"""Largest number of questions for which the search is also measured without the gate."""
_TICKS = 100


def measure_load(context: Context) -> None:
    """Note the rows a second that are parsed and stored, and the processor time of both sides."""
    with _servers() as (url, server):
        _load_in_child(context, url, server, context.questions(100_000))


def measure_memory(context: Context) -> None:
    """Note the memory of loading an archive and one ten times as large."""
    size = context.questions(LOADED)
    with _servers() as (url, server):
        peaks = [_load_in_child(context, url, server, one) for one in (size // 10, size)]
    context.note(
        "peak memory of ten times the rows, over that of one", f"{peaks[1] / peaks[0]:.2f}"
    )


@contextmanager
def _servers() -> Iterator[tuple[str, int]]:
    """Start a database and return its URL and the process of the server."""
    with running_servers() as servers:
        (running,) = servers.folder.rglob("postmaster.pid")
        yield servers.running.database_url, int(running.read_text(encoding="utf-8").split()[0])


def _load_in_child(context: Context, url: str, server: int, size: int) -> float:
    texts = context.data.questions[:size]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        rows = ((f"q{n}", text) for n, text in enumerate(texts))
        csv.writer(file).writerows([("id", "title"), *rows])
        file.flush()
        before = _server_s(server)
        words = [sys.executable, "-m", "bench.archives.loading", url, file.name]
        told = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
        theirs = _server_s(server) - before
    what = f"{len(texts):,} rows"
    context.note(f"parsed and stored, {what}", f"{len(texts) / told['took_s']:,.0f}/s")
    context.note(
        f"work a row, {what}",
        f"{1e6 * told['work_s'] / len(texts):.1f} µs ours,"
        f" {1e6 * theirs / len(texts):.1f} µs of Postgres",
    )
    context.note(f"peak memory of the load, {what}, MiB", round(told["peak_mib"]))
    return float(told["peak_mib"])


def _server_s(server: int) -> float:
    """Return the processor seconds of a Postgres server, its children's included, ended or not."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # the process has ended meanwhile
            continue
        if server in {int(stat.parent.name), int(words[1])}:
            ticks += sum(map(int, words[11:15]))
    return ticks / _TICKS


def measure_cost(context: Context) -> None:
    """Note the processor time of search and rerank per question, for growing archives."""
    sizes = [context.asked] if context.asked else SIZES
    for size in sizes:
        chosen = with_partners(context.data, size)
        texts = [context.data.questions[one] for one in chosen.tolist()]
        vectors = context.vectors(chosen)
        worked = work_s()
        floor = context.archive_floor
        gate, device = context.reranker.gates.get(context.encoder.digest), BlockSearch("cpu")
        near = all_near(vectors, floor=floor, top_k=TOP, search=device, gate=gate)
        search = 1e3 * (work_s() - worked) / len(texts)
        context.note(
            f"work a question, {len(texts):,} questions",
            f"search {search:.2f} ms, {_reading(context, texts, near)}",
        )
        if gate is not None and len(texts) <= _COMPARED:
            every = len(all_near(vectors, floor=floor, top_k=TOP, search=device))
            context.note(
                f"near pairs that the gate leaves out, {len(texts):,} questions",
                f"{1 - len(near) / every:.1%} of {every:,}",
            )
    context.note("questions whose pairs were read at each size", _SAMPLE)


def _reading(context: Context, texts: Sequence[str], near: Near) -> str:
    """Return the work of a sample of questions: of reading what has a chance, and everything.

    Both are milliseconds of processor time, and inputs of the CrossEncoder for a question.
    """
    matcher = Matcher.of(context.encoder, context.reranker)
    asked = np.random.default_rng(0).permutation(len(texts))[:_SAMPLE]
    some = near.take(np.isin(np.maximum(near.left, near.right), asked))
    seen = [Seen(text, text) for text in texts]
    worked = work_s()
    found, calls = score_many(matcher, seen, some)
    then = work_s()
    every, calls_of_all = matcher.score_many(seen, some)
    ends = work_s()
    is_flagged = every >= matcher.threshold
    kept = (found >= matcher.threshold)[is_flagged].mean() if is_flagged.any() else 1.0
    each = 1e3 / len(asked)
    return (
        f"rerank {each * (then - worked):.2f} ms ({calls / len(asked):.2f} inputs of"
        f" {len(near) / len(texts):.2f} near pairs); reading all would take"
        f" {each * (ends - then):.2f} ms ({calls_of_all / len(asked):.2f} inputs), and"
        f" {kept:.2%} of its {is_flagged.sum():,} flags are kept"
    )
