"""Compares `askedbefore mine` with `encode`, `paraphrase_mining` and `predict` of the libraries."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from bench.archives.data import Context, Keys, inside, keys_of, with_partners, work_s
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import Mined, Miner
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER, model_folder

VERSUS = 200
MINED = 10_000
TOP = 100
_SUBJECT = "java"

_Found = TypeVar("_Found")


def measure(context: Context) -> None:
    """Note the speed of both on questions about one subject, and of ours on many mixed questions.

    The libraries' way reads the 100 nearest of each question in an archive of any size. So its time
    per question is measured on few questions.
    """
    about = [n for n, text in enumerate(context.data.questions) if _SUBJECT in text.lower()]
    chosen = np.array(about[: min(VERSUS, context.questions(VERSUS))], dtype=np.int64)
    titles = [context.data.questions[one] for one in chosen.tolist()]
    size = len(titles)
    labelled = keys_of(inside(context.data.duplicates, chosen), size)
    what = f"{size:,} questions about {_SUBJECT!r}"
    recipe = _recipe()
    keys, calls, (slow, slow_work) = _timed(lambda: recipe(titles))
    context.note(f"recipe, fp32, {what}", _rate(size, slow, slow_work, calls))
    mined, _, (fast, fast_work) = _timed(lambda: (_mined(context, titles), 0))
    context.note(f"`mine`, same weights, {what}", _rate(size, fast, fast_work, mined.calls))
    context.note(
        "`mine` over the recipe on these",
        f"{slow / fast:.1f}x by the clock, {slow_work / fast_work:.1f}x by work",
    )
    ours = _keys(mined, size)
    context.note(
        f"labelled duplicates among these found in as many pairs ({len(ours):,})",
        f"`mine` {_hits(ours, labelled)}, recipe {_hits(keys[: len(ours)], labelled)}"
        f" of {len(labelled)}",
    )
    _measure_many(context, slow / size, slow_work / size)


def _measure_many(context: Context, slow: float, slow_work: float) -> None:
    chosen = with_partners(context.data, context.questions(MINED))
    titles = [context.data.questions[one] for one in chosen.tolist()]
    size = len(titles)
    mined, _, (took, work) = _timed(lambda: (_mined(context, titles), 0))
    context.note(f"`mine`, {size:,} questions of all kinds", _rate(size, took, work, mined.calls))
    context.note(
        f"`mine` on {size:,} over the recipe's time for a question",
        f"{slow * size / took:.1f}x by the clock, {slow_work * size / work:.1f}x by work",
    )
    labelled = keys_of(inside(context.data.duplicates, chosen), size)
    context.note(
        f"known duplicates among {size:,} that `mine` flags",
        f"{_hits(_keys(mined, size), labelled)} of {len(labelled)}",
    )


def _mined(context: Context, titles: list[str]) -> Mined:
    def tell(stage: str, done: int, total: int) -> None:
        if stage != "search":
            context.say(f"{stage}: {done:,} more of {total:,}")

    search = BlockSearch("cpu")
    miner = Miner(context.encoder, context.reranker, search=search, top_k=TOP, on_progress=tell)
    return miner.mine(titles)


def _timed(call: Callable[[], tuple[_Found, int]]) -> tuple[_Found, int, tuple[float, float]]:
    begun, worked = time.perf_counter(), work_s()
    found, calls = call()
    return found, calls, (time.perf_counter() - begun, work_s() - worked)


def _rate(size: int, took: float, work: float, calls: int) -> str:
    return (
        f"{size / took:.2f} questions/s, {1e3 * work / size:.1f} ms of work and"
        f" {calls / size:.1f} CrossEncoder inputs a question"
    )


def _keys(mined: Mined, size: int) -> Keys:
    return np.asarray(mined.left * size + mined.right)


def _hits(keys: Keys, labelled: Keys) -> int:
    return int(np.isin(keys, labelled).sum())


def _recipe() -> Callable[[list[str]], tuple[Keys, int]]:
    from sentence_transformers import CrossEncoder, SentenceTransformer  # noqa: PLC0415  # no weight on
    from sentence_transformers.util import paraphrase_mining  # noqa: PLC0415  # the other parts

    bi_encoder = SentenceTransformer(str(model_folder(DEFAULT_ENCODER)), device="cpu")
    cross_encoder = CrossEncoder(
        str(model_folder(DEFAULT_RERANKER)), device="cpu", model_kwargs={"dtype": "float32"}
    )

    def run(titles: list[str]) -> tuple[Keys, int]:
        # It keeps both orders of a pair in one heap, so it returns half of `max_pairs`.
        mined = paraphrase_mining(
            bi_encoder, titles, top_k=TOP, max_pairs=2 * TOP * len(titles), query_chunk_size=5_000
        )
        pairs = np.array([(i, j) for _, i, j in mined], dtype=np.int64)
        scores = cross_encoder.predict([(titles[i], titles[j]) for i, j in pairs])
        order = np.argsort(-np.asarray(scores), kind="stable")
        low, high = pairs[order].min(axis=1), pairs[order].max(axis=1)
        keys = low * len(titles) + high
        _, first = np.unique(keys, return_index=True)
        return keys[np.sort(first)], len(pairs)

    return run
