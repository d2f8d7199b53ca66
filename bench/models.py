"""Compares the models as the service runs them with sentence-transformers and its defaults.

``python -m bench.models`` prints a Markdown table. Both sides read the same texts and take turns in
one process; every ratio is the median over the turns. The error is the difference of the scores to
fp32. A GPU is measured if there is one. On a busy machine threads wait for each other, and ratios
of wall-clock time mean little: ``python -m bench.models 1`` gives both sides one thread and counts
processor time.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer

from bench.texts import questions
from cli.sample import labels, load_questions
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.weights.load import (
    DEFAULT_ENCODER,
    DEFAULT_RERANKER,
    load_encoder,
    load_reranker,
    model_folder,
)

Clock = Callable[[], float]

TURNS = 5
COUNTS = {"cpu": 500, "cuda": 20_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    unit: str
    stock: float
    ours: float
    ratio: float
    error: str

    def __str__(self) -> str:
        """Return the line in Markdown."""
        rates = f"{self.stock:,.0f} | {self.ours:,.0f} | {self.ratio:.2f} x"
        return f"| {self.what}, {self.unit}/s | {rates} | {self.error} |"


def _turns(
    stock: Callable[[], object], ours: Callable[[], object], clock: Clock
) -> list[tuple[float, float]]:
    """Return the seconds of both sides in each turn; the first turn does not count."""

    def seconds(call: Callable[[], object]) -> float:
        start = clock()
        call()
        return clock() - start

    return [(seconds(stock), seconds(ours)) for _ in range(TURNS + 1)][1:]


def _row(what: str, unit: str, count: int, turns: list[tuple[float, float]], error: str) -> Row:
    return Row(
        what=what,
        unit=unit,
        stock=count / statistics.median(stock for stock, _ in turns),
        ours=count / statistics.median(ours for _, ours in turns),
        ratio=statistics.median(stock / ours for stock, ours in turns),
        error=error,
    )


def encoding(encoder: Encoder, texts: list[str], *, device: str, clock: Clock) -> Row:
    """Measure the bi-encoder."""
    stock = SentenceTransformer(str(model_folder(encoder.name)), device=device)
    turns = _turns(lambda: stock.encode(texts), lambda: encoder.encode(texts), clock)
    some = texts[:1_000]
    vectors = np.asarray(stock.encode(some, normalize_embeddings=True), np.float32)
    ours = encoder.encode(some)
    cosines = (vectors * ours).sum(axis=1)
    shift = np.abs(vectors @ vectors.T - ours @ ours.T).mean()
    error = f"cosine to fp32 {cosines.mean():.4f} (least {cosines.min():.4f});"
    error += f" a pair's cosine is off by {shift:.4f}"
    return _row(f"encode, {device}", "questions", len(texts), turns, error)


def reranking(reranker: Reranker, texts: list[str], *, device: str, clock: Clock) -> Row:
    """Measure the reranker: speed on random pairs, error on the sample's labelled pairs."""
    pairs = np.array([(at, (at * 7 + 1) % len(texts)) for at in range(len(texts))], np.int32)
    both = [(texts[first], texts[second]) for first, second in pairs]
    stock = CrossEncoder(
        str(model_folder(reranker.name)), device=device, model_kwargs={"dtype": torch.float32}
    )
    turns = _turns(lambda: stock.predict(both), lambda: reranker.score(texts, pairs), clock)
    hard, hard_pairs = _labelled()
    theirs = stock.predict([(hard[first], hard[second]) for first, second in hard_pairs])
    off = np.abs(np.asarray(theirs) - 1.0 / (1.0 + np.exp(-reranker.score(hard, hard_pairs))))
    error = (
        f"probability off by {off.mean():.4f} on {len(off)} labelled pairs, {off.max():.3f} at most"
    )
    return _row(f"rerank, {device}", "pairs", len(pairs), turns, error)


def _labelled() -> tuple[list[str], NDArray[np.int32]]:
    titles = {str(question["id"]): str(question["title"]) for question in load_questions()}
    at = {key: position for position, key in enumerate(titles)}
    pairs = [sorted(at[key] for key in pair) for pair in labels()]
    return list(titles.values()), np.array([*pairs, *(pair[::-1] for pair in pairs)], np.int32)


def start_up(cache: Path) -> str:
    """Return the seconds until a new CPU process has loaded both models and run them once."""
    code = (
        "import time; start = time.perf_counter(); from pathlib import Path;"
        "import numpy as np; from worker.weights.load import *;"
        f"cache = Path({str(cache)!r});"
        "encoder = load_encoder(DEFAULT_ENCODER, device='cpu', cache=cache);"
        "reranker = load_reranker(DEFAULT_RERANKER, device='cpu', cache=cache);"
        "texts = [f'How do I fold {n} jackets at home?' for n in range(1000)];"
        "ready = time.perf_counter() - start; encoder.encode(texts);"
        "reranker.score(texts, np.array([(n, 0) for n in range(1000)], np.int32));"
        "status = dict(line.split(':') for line in Path('/proc/self/status').open());"
        "peak = int(status['VmHWM'].split()[0]) / 1024;"
        "print(f'ready in {ready:.1f} s, peak memory {peak:.0f} MiB')"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(threads: int = 0) -> None:
    """Print the table. With *threads*, both sides get that many and processor time is counted."""
    if threads:
        torch.set_num_threads(threads)
    clock = time.process_time if threads else time.perf_counter
    print("| what | sentence-transformers | askedbefore | ratio | error |")
    print("| --- | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            texts = questions(COUNTS[device])
            encoder = load_encoder(DEFAULT_ENCODER, device=device, cache=cache, threads=threads)
            print(encoding(encoder, texts, device=device, clock=clock), flush=True)
            reranker = load_reranker(DEFAULT_RERANKER, device=device, cache=cache, threads=threads)
            print(reranking(reranker, texts, device=device, clock=clock), flush=True)
        print(f"\nBoth models on the CPU, exported before: {start_up(cache)}.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
