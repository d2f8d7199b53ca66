"""Measures one GPU: our models and block search against sentence-transformers, and their memory.

``python -m bench gpu`` prints a Markdown table with the name of the GPU. Both sides read the same
texts in one process and take turns. ``--device cpu`` runs the same code with less data on a CPU, to
check that it works; its figures mean nothing.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.util import semantic_search

from bench.texts import questions
from db.vectors.rows import ModelKind
from worker.archives.searching.blocks import BlockSearch
from worker.inference.encoder import TokenEncoder
from worker.inference.reranker import TokenReranker
from worker.inference.tokens import Tokens
from worker.inference.torch_backend import TorchRunner, read
from worker.scoring.calibration import Calibration
from worker.settings import Profile
from worker.weights.load import MODEL_CACHE, model_folder
from worker.weights.profiles import model_names

_Model = TypeVar("_Model", SentenceTransformer, CrossEncoder)

TURNS = 3
FLOOR, TOP = 0.55, 100
BUDGETS = (8_192, 32_768, 131_072)
COUNTS = {"cuda": (50_000, 100_000), "cpu": (64, 600)}
"""Numbers of texts for the models and of vectors for the search."""
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Rate:
    """The rates of both sides, per second."""

    what: str
    stock: float
    stock_half: float
    ours: float

    def __str__(self) -> str:
        """Return the line in Markdown."""
        gains = " | ".join(f"{self.ours / one:.2f} x" for one in (self.stock, self.stock_half))
        rates = " | ".join(f"{one:,.0f}" for one in (self.stock, self.stock_half, self.ours))
        return f"| {self.what} | {rates} | {gains} |"


class Ours:
    """A model as a worker runs it on a device, with a chosen token budget."""

    def __init__(self, kind: ModelKind, name: str, device: str) -> None:
        source = read(kind, model_folder(name))
        self.runner = TorchRunner(source, device=device)
        tokens = Tokens(source.tokenizer, source.spec)
        dimension = source.spec.dimension
        self.encoder = TokenEncoder(
            name, digest="", dimension=dimension, tokens=tokens, runner=self.runner
        )
        self.reranker = TokenReranker(
            name, digest="", calibration=Calibration(), tokens=tokens, runner=self.runner
        )


def seconds(call: Callable[[], object]) -> float:
    """Return the median seconds of some turns, after one that does not count."""
    took = []
    for _ in range(TURNS + 1):
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    return statistics.median(took[1:])


def encoding(name: str, texts: list[str], device: str, ours: Ours) -> Rate:
    """Measure the bi-encoder called *name*."""
    stock = SentenceTransformer(str(model_folder(name)), device=device)
    plain = seconds(lambda: stock.encode(texts, batch_size=256))
    half = seconds(lambda: _half(stock, device).encode(texts, batch_size=256))
    own = seconds(lambda: ours.encoder.encode(texts))
    return Rate(f"encode with {name}, questions/s", *(len(texts) / t for t in (plain, half, own)))


def reranking(name: str, texts: list[str], device: str, ours: Ours) -> Rate:
    """Measure the CrossEncoder called *name* on pairs of questions."""
    pairs = np.array([(at, (at * 7 + 1) % len(texts)) for at in range(len(texts))], np.int32)
    both = [(texts[first], texts[second]) for first, second in pairs]
    stock = CrossEncoder(str(model_folder(name)), device=device)
    plain = seconds(lambda: stock.predict(both, batch_size=256))
    half = seconds(lambda: _half(stock, device).predict(both, batch_size=256))
    own = seconds(lambda: ours.reranker.score(texts, pairs))
    return Rate(f"rerank with {name}, pairs/s", *(len(pairs) / t for t in (plain, half, own)))


def _half(model: _Model, device: str) -> _Model:
    return model.half() if device != "cpu" else model


def searching(count: int, dimension: int, device: str) -> list[str]:
    """Measure the block search on made-up unit vectors, some of which are near each other."""
    vectors = near_vectors(count, dimension)
    search = BlockSearch(device)
    own = seconds(lambda: search.tile(vectors, vectors, floor=FLOOR, top_k=TOP, same=True))
    on_device = torch.from_numpy(vectors).to(device)
    stock = seconds(lambda: semantic_search(on_device, on_device, top_k=TOP))
    rates = " | ".join(f"{count * count / 2 / one / 1e9:,.1f}" for one in (stock, own))
    return [
        f"\n| {count:,} x {dimension} vectors, with each other | semantic_search | ours | gain |",
        "| --- | ---: | ---: | ---: |",
        f"| pairs compared, 10^9/s | {rates} | {stock / own:.1f} x |",
    ]


def near_vectors(count: int, dimension: int) -> NDArray[np.float32]:
    """Return unit vectors in groups of about four near ones, (count, dimension)."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(max(1, count // 4), dimension)).astype(np.float32)
    noise = random.normal(size=(count, dimension)).astype(np.float32)
    vectors = centres[random.integers(len(centres), size=count)] + 0.7 * noise
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def memory(what: str, call: Callable[[], object], ours: Ours, device: str) -> list[str]:
    """Return the peak memory and the speed for each token budget."""
    lines = []
    for budget in BUDGETS if device != "cpu" else BUDGETS[:1]:
        ours.runner.token_budget = budget
        if device != "cpu":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        took = seconds(call)
        peak = torch.cuda.max_memory_allocated() / MIB if device != "cpu" else 0.0
        lines.append(f"| {what} | {budget:,} | {took:.2f} | {peak:,.0f} |")
    return lines


def measured(profile: Profile, texts: list[str], device: str) -> tuple[list[str], list[str]]:
    """Return the lines about the two models of a profile: speed, and memory."""
    names = model_names(profile, MODEL_CACHE)
    encoder = Ours(ModelKind.BI_ENCODER, names.bi_encoder, device)
    reranker = Ours(ModelKind.RERANKER, names.reranker, device)
    rates = [
        str(encoding(names.bi_encoder, texts, device, encoder)),
        str(reranking(names.reranker, texts, device, reranker)),
    ]
    pairs = np.array([(at, (at * 7 + 1) % len(texts)) for at in range(len(texts))], np.int32)
    used = memory(
        f"{names.bi_encoder}, encode", lambda: encoder.encoder.encode(texts), encoder, device
    )
    used += memory(
        f"{names.reranker}, rerank",
        lambda: reranker.reranker.score(texts, pairs),
        reranker,
        device,
    )
    return rates, used


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench gpu")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--profiles", nargs="*", default=["fast"], choices=list(Profile))
    parser.add_argument("--questions", type=int, help="texts for the models")
    parser.add_argument("--vectors", type=int, help="vectors for the block search")
    given = parser.parse_args()
    count, vectors = COUNTS[given.device]
    texts = questions(given.questions or count)
    card = torch.cuda.get_device_name() if given.device == "cuda" else "no card: the CPU"
    print(f"{card}, PyTorch {torch.__version__}, {len(texts):,} questions, {TURNS} turns\n")
    print("| what | stock | stock, fp16 | askedbefore | over stock | over fp16 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    used = []
    for profile in given.profiles:
        rates, lines = measured(Profile(profile), texts, given.device)
        used += lines
        print("\n".join(rates), flush=True)
    print("\n".join(searching(given.vectors or vectors, 384, given.device)))
    print("\n| memory by batch | tokens a batch | seconds | peak MiB |")
    print("| --- | ---: | ---: | ---: |")
    print("\n".join(used))


if __name__ == "__main__":
    main()
