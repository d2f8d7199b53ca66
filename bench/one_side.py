"""Runs one checkout's service for a comparison, and measures what each input line asks for.

`bench.side_by_side` starts this file, not this module, with the measured checkout on the import
path; it must be 0.4.0 or later. Each input line is a measurement. Each answer is a line of JSON:
the rows of the table, and the processor seconds of the whole service and its client.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sqlalchemy import text

from bench import service as module

service: Any = module
"""Patched below, so that vectors are read and not computed; its place depends on the checkout."""
_CHUNK = 5_000
_PATIENCE = 30
"""Tries, of ten seconds each, in which a worker must have started."""
_NOISE = 0.02
"""Standard deviation of the noise in each number of a made-up vector (numbers: about 0.05)."""
_MADE_BY_MEASURING = (
    "DELETE FROM questions WHERE external_id ~ '^(live|single|batch)-' OR length(external_id) > 7"
)
_STORE = text(
    "INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)"
    " SELECT :model, q.id, q.forum_id, q.visible, q.text_digest, given.vector::halfvec"
    " FROM unnest(CAST(:names AS text[]), CAST(:vectors AS text[])) AS given (name, vector)"
    " JOIN questions AS q ON q.external_id = given.name ON CONFLICT DO NOTHING"
)


def titles(count: int) -> list[str]:
    """Return *count* questions. After all real ones come real ones with a number added."""
    real = service.real_questions
    return [one if n < len(real) else f"{one} ({n // len(real)})" for n, one in _cycle(real, count)]


def _cycle(real: list[str], count: int) -> Iterator[tuple[int, str]]:
    return ((n, real[n % len(real)]) for n in range(count))


def store_vectors(vectors: Any, sessions: Any, model_id: int) -> None:
    """Store the vectors of the questions by their numbers; after the real ones they are made up."""
    random = np.random.default_rng(7)
    for start in range(0, service.STORED, _CHUNK):
        places = np.arange(start, min(start + _CHUNK, service.STORED))
        values = np.array(vectors[places % len(vectors)], np.float32)
        made_up = places >= len(vectors)
        values[made_up] += _NOISE * random.normal(size=values[made_up].shape).astype(np.float32)
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        literals = ["[" + ",".join(f"{x:.5g}" for x in row) + "]" for row in values.tolist()]
        names = [str(place) for place in places.tolist()]
        with sessions.begin() as session:
            session.execute(_STORE, {"model": model_id, "names": names, "vectors": literals})


def used_s() -> float:
    """Return the processor seconds of this process and of all that it has started."""
    whole = 0.0
    here = psutil.Process()
    for process in [here, *here.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        whole += times.user + times.system
    return whole


def measure(what: str, bench: Any, asked: list[str]) -> list[Any]:
    """Return the rows of one measurement."""
    rows: list[Any]
    if what == "latency":
        service.latency(bench, asked[-1:])  # waits until the worker has done the batch it is at
        clean(bench)
        rows = service.latency(bench, asked[:40])
    elif what == "submits":
        rows = service.submit_rates(bench, asked[40:2_040])
    elif what == "drain":
        rows = service.drain(bench, asked[2_040:2_340])
    else:
        rows = service.memory(bench)
    return rows


def rehearse(bench: Any, asked: list[str]) -> None:
    """Measure once without counting it: a worker with a million vectors needs time to start."""
    for _ in range(_PATIENCE - 1):
        with suppress(RuntimeError):  # not answered in time
            measure("latency", bench, asked)
            return
        clean(bench)
    measure("latency", bench, asked)


def main(stored: int, vector_file: Path) -> None:
    """Do measurements until the input ends."""
    vectors = np.load(vector_file, mmap_mode="r")
    service.STORED = stored
    pool = service.some_questions(len(vectors) + 5_000)
    service.real_questions, asked = pool[: len(vectors)], pool[len(vectors) :]
    service.some_questions = lambda count, **_: titles(count)
    service.fill = lambda sessions, _encoder, model, **_: store_vectors(vectors, sessions, model.id)
    with service.started() as bench:
        rehearse(bench, asked)
        clean(bench)
        print("ready", flush=True)
        for line in sys.stdin:
            before = used_s()
            rows = measure(line.strip(), bench, asked)
            print(json.dumps({"rows": rows, "cpu_s": used_s() - before}), flush=True)
            clean(bench)


def clean(bench: Any) -> None:
    """Delete what a measurement stored."""
    with bench.sessions.begin() as session:
        session.execute(text(_MADE_BY_MEASURING))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
