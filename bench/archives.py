"""Mining archives: speed, recall and cost, beside the recipe that the libraries document.

``python -m bench.archives`` needs the folder of real questions that ``ASKEDBEFORE_DATA`` names and
prints a Markdown table. ``--full`` measures the whole archive as well, ``--vectors FILE`` keeps its
vectors for the next time. Seconds of work are processor seconds where other programs may disturb.
"""

import argparse
import csv
import gzip
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from bench import archive_live
from bench.texts import BenchSettings
from cli.embedded import EmbeddedServers
from db import archives, forums, schema
from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from worker.archive_load import load
from worker.blocks import BlockSearch, all_near
from worker.encoder import Encoder
from worker.load import DEFAULT_ENCODER, DEFAULT_RERANKER, load_encoder, load_reranker, model_folder
from worker.mining import Mined, Miner
from worker.readers import open_archive
from worker.reranker import Reranker
from worker.settings import WorkerSettings
from worker.text import model_text

SIZES = (10_000, 50_000)
QUALITY = 2_000
VERSUS = 200
TOP = 100
_LOW_FLOOR = 0.3
_WIDE_FLOOR = 0.5
_SUBJECT = "java"

Row = tuple[str, str]
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Data:
    """Distinct questions and their labelled pairs, by place."""

    questions: Sequence[str]
    duplicates: NDArray[np.int64]  # (n, 2), low before high
    dev: range
    """Places of questions that no model was trained on."""


def real_data(folder: Path) -> Data:
    """Return the questions of the data folder: Quora's train, dev, positives, others, titles."""
    places: dict[str, int] = {}
    duplicates: set[Key] = set()

    def place(title: str) -> int:
        return places.setdefault(model_text(title), len(places))

    def pair(row: dict[str, str]) -> None:
        low, high = sorted((place(row["question1"]), place(row["question2"])))
        if low != high and row.get("is_duplicate", "1") == "1":
            duplicates.add((low, high))

    for row in _rows(folder / "quora" / "pairs_train.csv.gz"):
        pair(row)
    begin = len(places)
    for row in _rows(folder / "quora" / "pairs_dev.csv"):
        pair(row)
    dev = range(begin, len(places))
    for row in _rows(folder / "quora" / "positives_train.csv.gz"):
        pair(row)
    for name, column in (("quora/questions_unlabelled", "question"), ("forums/titles", "title")):
        for row in _rows(folder / f"{name}.csv"):
            place(row[column])
    return Data(list(places), np.array(sorted(duplicates), dtype=np.int64), dev)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    wall, work = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - work


def loading(questions: Sequence[str]) -> list[Row]:
    """Return how fast rows are parsed and stored, and the memory that takes, at two sizes."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder,
        EmbeddedServers(Path(folder)) as servers,
    ):
        url = servers.addresses.database_url
        for size in (len(questions) // 10, len(questions)):
            path = Path(folder) / f"{size}.csv"
            with path.open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows(
                    [("id", "title"), *((f"q{n}", text) for n, text in enumerate(questions[:size]))]
                )
            wall, work, peak = _in_child(lambda path=path: _load(url, path))  # type: ignore[misc]
            rows += [
                (
                    f"parsed and stored, {size:,} rows",
                    f"{size / wall:,.0f}/s ({1e6 * work / size:.0f} µs of our own work a row)",
                ),
                (f"peak memory of the load, {size:,} rows", f"{peak:,.0f} MiB"),
            ]
    return rows


def _load(url: str, path: Path) -> None:
    engine = make_engine(DatabaseSettings.model_validate({"database_url": url}))
    schema.upgrade(engine)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, path.stem)
        row = archives.create(session, forum.id, name=path.name, form="csv", top_k=TOP)
    with open_archive(path) as archive:
        load(sessions, forum, row, archive)


def _in_child(call: Callable[[], None]) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and peak MiB of *call* in a process of its own."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            call()
            os._exit(0)
        finally:
            os._exit(1)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit("the load failed")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def embedded(encoder: Encoder, texts: Sequence[str], path: Path | None) -> NDArray[np.float16]:
    """Return the vectors of *texts*, kept at *path* if one is given."""
    if path is not None and path.exists():
        return np.asarray(np.load(path)[: len(texts)])
    vectors = np.empty((len(texts), encoder.dimension), dtype=np.float16)
    order = sorted(range(len(texts)), key=lambda one: len(texts[one]))
    for start in range(0, len(order), 4_096):
        part = order[start : start + 4_096]
        vectors[part] = encoder.encode([texts[one] for one in part])
    if path is not None:
        np.save(path, vectors)
    return vectors


def searching(
    data: Data, vectors: NDArray[np.float16], sizes: Iterable[int], floor: float
) -> list[Row]:
    """Return what block search costs at each size, and what its floor and cap keep."""
    rows: list[Row] = []
    search = BlockSearch("cpu")
    chance = np.random.default_rng(0)
    for size in sizes:
        chosen = _with_partners(data, size, chance)
        held = vectors[chosen]
        begun = time.process_time()
        near = all_near(held, floor=floor, top_k=TOP, search=search)
        work = time.process_time() - begun
        cost = f"{1e3 * work / size:.2f} ms of work a question"
        density = f"{len(near) / size:.1f} near pairs a question"
        rows.append((f"block search, {size:,} questions", f"{cost}, {density}"))
        if size <= max(SIZES):
            wide = all_near(held, floor=_LOW_FLOOR, top_k=TOP, search=search)
            labelled = _keys_of(_inside(data.duplicates, chosen), size)
            top = np.isin(labelled, wide.left * size + wide.right)
            kept = np.isin(labelled[top], near.left * size + near.right)
            what = (
                f"duplicates in the top {TOP} that the floor of {floor:g} keeps, {size:,} questions"
            )
            rows.append((what, f"{kept.mean():.4f} of {int(top.sum()):,} labelled ones"))
    return rows


def _with_partners(data: Data, size: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """Return places of *size* questions, duplicates together with their partners."""
    order = chance.permutation(len(data.duplicates))
    chosen = list(dict.fromkeys(data.duplicates[order[:size]].ravel().tolist()))
    rest = chance.permutation(len(data.questions)).tolist()
    half = dict.fromkeys([*chosen[: size // 2], *rest])
    return np.sort(np.array(list(half)[:size], dtype=np.int64))


def _inside(pairs: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs of which both sides were chosen, by their places among the chosen."""
    both = pairs[np.isin(pairs, chosen).all(axis=1)]
    return np.searchsorted(chosen, both)


def _keys_of(pairs: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.asarray(pairs[:, 0] * size + pairs[:, 1])


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a ranking of mined pairs finds the labelled ones."""

    average_precision: float
    f1: float
    recall: float
    precision: float

    @classmethod
    def of(cls, keys: NDArray[np.int64], labelled: NDArray[np.int64]) -> "Ranking":
        """Score *keys*, best first, by the rules of `ParaphraseMiningEvaluator`.

        Every pair that is mined and not labelled counts as wrong.
        """
        right = np.isin(keys, labelled)
        hits = np.cumsum(right)
        precision = hits / np.arange(1, len(keys) + 1)
        recall = hits / max(len(labelled), 1)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
        best = int(f1.argmax())
        return cls(
            float((precision * right).sum() / max(len(labelled), 1)),
            float(f1[best]),
            float(recall[best]),
            float(precision[best]),
        )

    def __str__(self) -> str:
        return (
            f"average precision {self.average_precision:.4f}, F1 {self.f1:.4f}"
            f" (precision {self.precision:.3f}, recall {self.recall:.3f})"
        )


def _ranked(mined: Mined, size: int, by: NDArray[np.float32]) -> NDArray[np.int64]:
    order = np.argsort(-by, kind="stable")
    return np.asarray((mined.left * size + mined.right)[order])


def quality(data: Data, encoder: Encoder, reranker: Reranker) -> list[Row]:
    """Return how well unseen duplicates are mined, and what the cascade's floor loses of them."""
    chosen = np.arange(data.dev.start, data.dev.start + min(QUALITY, len(data.dev)))
    titles = [data.questions[int(one)] for one in chosen]
    size = len(chosen)
    labelled = _keys_of(_inside(data.duplicates, chosen), size)
    own = reranker.calibration
    reranker.calibration = replace(own, cosine_floor=_WIDE_FLOOR)
    wide = Miner(encoder, reranker, search=BlockSearch("cpu"), min_score=0.0).mine(titles)
    reranker.calibration = own
    ranked = _ranked(wide, size, wide.score)
    over = wide.cosine >= own.cosine_floor
    sure = wide.score >= own.threshold
    keys = wide.left * size + wide.right
    flagged, kept = (np.isin(labelled, keys[which]).sum() for which in (sure, sure & over))
    what = f"{size:,} questions of Quora dev, {len(labelled):,} labelled duplicates"
    return [
        (f"mining by cosine, {what}", str(Ranking.of(_ranked(wide, size, wide.cosine), labelled))),
        (f"mining by the CrossEncoder, floor {_WIDE_FLOOR:g}", str(Ranking.of(ranked, labelled))),
        (
            f"mining by the cascade, floor {own.cosine_floor:.3g}",
            str(Ranking.of(_ranked_some(wide, size, over), labelled)),
        ),
        (
            f"labelled duplicates flagged at {own.threshold:.3g}, with the floor / without",
            f"{kept} / {flagged} ({kept / max(flagged, 1):.4f})",
        ),
        (
            "pairs that the CrossEncoder reads a question, with the floor / without",
            f"{over.sum() / size:.1f} / {len(wide) / size:.1f}",
        ),
    ]


def _ranked_some(mined: Mined, size: int, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    order = np.argsort(-mined.score, kind="stable")
    return np.asarray((mined.left * size + mined.right)[order][which[order]])


def versus(data: Data, encoder: Encoder, reranker: Reranker) -> list[Row]:
    """Return ours beside `encode`, `paraphrase_mining` and `CrossEncoder.predict`, same weights."""
    about = [one for one, text in enumerate(data.questions) if _SUBJECT in text.lower()]
    chosen = np.array(about[:VERSUS], dtype=np.int64)
    titles = [data.questions[int(one)] for one in chosen]
    labelled = _keys_of(_inside(data.duplicates, chosen), len(chosen))
    found: list[Mined] = []
    theirs: list[tuple[NDArray[np.int64], int]] = []
    recipe = _recipe()
    slow, slow_work = _timed(lambda: theirs.append(recipe(titles)))
    miner = Miner(encoder, reranker, search=BlockSearch("cpu"), top_k=TOP)
    fast, fast_work = _timed(lambda: found.append(miner.mine(titles)))
    size = len(titles)
    mined, (keys, calls) = found[0], theirs[0]
    ours = _ranked(mined, size, mined.score)
    hits = int(np.isin(ours, labelled).sum())
    first = keys[: len(ours)]  # as many pairs as ours, so both had the same room
    told = f"{int(np.isin(first, labelled).sum())} of {len(labelled)} labelled duplicates"
    theirs_said = (
        f"{size / slow:.2f} questions/s, {slow_work:.1f} s of work, {calls / size:.1f}"
        f" CrossEncoder inputs a question, {told} in its first {len(first)} pairs"
    )
    ours_said = (
        f"{size / fast:.2f} questions/s, {fast_work:.1f} s of work, {mined.calls / size:.1f}"
        f" CrossEncoder inputs a question, {hits} of {len(labelled)} in its {len(ours)} pairs"
    )
    return [
        (f"the libraries' recipe, {size:,} questions about {_SUBJECT!r}", theirs_said),
        ("`askedbefore mine` on the same, same weights", ours_said),
        ("ours over the recipe", f"{slow / fast:.1f}x (by work {slow_work / fast_work:.1f}x)"),
    ]


def _recipe() -> Callable[[list[str]], tuple[NDArray[np.int64], int]]:
    from sentence_transformers import CrossEncoder, SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.util import paraphrase_mining  # noqa: PLC0415

    bi_encoder = SentenceTransformer(str(model_folder(DEFAULT_ENCODER)), device="cpu")
    cross_encoder = CrossEncoder(
        str(model_folder(DEFAULT_RERANKER)), device="cpu", model_kwargs={"dtype": "float32"}
    )

    def run(titles: list[str]) -> tuple[NDArray[np.int64], int]:
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="measure the whole archive as well")
    parser.add_argument("--vectors", type=Path, help="keep the vectors here")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    options = _options()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    folder = BenchSettings().data
    if folder is None:
        sys.exit("ASKEDBEFORE_DATA must name the folder of real questions")
    data = real_data(folder)
    settings = WorkerSettings.model_validate({"redis_url": "redis://unused"})
    encoder = load_encoder(DEFAULT_ENCODER, device="cpu", cache=settings.model_cache)
    reranker = load_reranker(DEFAULT_RERANKER, device="cpu", cache=settings.model_cache)
    sizes = [*SIZES, len(data.questions)] if options.full else SIZES
    rows = loading(data.questions)
    vectors = embedded(encoder, data.questions, options.vectors)
    rows += searching(data, vectors, sizes, reranker.calibration.cosine_floor)
    rows += quality(data, encoder, reranker)
    rows += versus(data, encoder, reranker)
    rows += archive_live.measured()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(("peak memory of all of the above", f"{peak:,.0f} MiB"))
    print("| archives | measured |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
