"""Real questions with their labels, and the file in which figures are saved."""

import csv
import gzip
import json
import re
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.matcher import Matcher
from worker.settings import WorkerSettings
from worker.text.normal import model_text, text_digest
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER, load_encoder, load_reranker

_CHUNK = 4_096

Keys = NDArray[np.int64]
"""Pairs of indexes below *size*, each as ``low * size + high``."""


@dataclass(frozen=True, slots=True)
class Data:
    """Distinct questions and their labelled pairs, as indexes of the questions."""

    questions: Sequence[str]
    labelled: NDArray[np.int64]  # (n, 2), low before high: labelled as duplicates
    duplicates: NDArray[np.int64]  # (n, 2), with all that follows from labels
    others: NDArray[np.int64]  # (n, 2), labelled as no duplicates
    dev: range
    """Indexes of the questions that no model was trained on."""


def real_data(folder: Path) -> Data:
    """Return the questions of the data folder: Quora's train, dev, positives, others, titles."""
    places: dict[bytes, int] = {}
    questions: list[str] = []
    pairs: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}

    def place(title: str) -> int:
        found = places.setdefault(text_digest(title), len(places))
        if found == len(questions):
            questions.append(model_text(title))
        return found

    def pair(row: dict[str, str]) -> None:
        low, high = sorted((place(row["question1"]), place(row["question2"])))
        if low != high:
            pairs[row.get("is_duplicate", "1") == "1"].add((low, high))

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
    same = closed(pairs[True])
    others = _as_array(pairs[False] - same)
    return Data(questions, _as_array(pairs[True]), _as_array(same), others, dev)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _as_array(pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def closed(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the pairs and all that follow from them: if A = B and B = C, then A = C."""
    parent: dict[int, int] = {}

    def root(one: int) -> int:
        while (up := parent.setdefault(one, one)) != one:
            parent[one] = parent[up]
            one = parent[one]
        return one

    for low, high in pairs:
        parent[root(high)] = root(low)
    members: dict[int, list[int]] = defaultdict(list)
    for one in sorted(parent):
        members[root(one)].append(one)
    return {pair for group in members.values() for pair in combinations(group, 2)}


def inside(pairs: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs with both questions among the chosen ones, as indexes of the chosen ones."""
    both = pairs[np.isin(pairs, chosen).all(axis=1)]
    return np.searchsorted(chosen, both)


def keys_of(pairs: NDArray[np.int64], size: int) -> Keys:
    """Return pairs, (n, 2), as keys."""
    return np.asarray(pairs[:, 0] * size + pairs[:, 1])


def with_partners(data: Data, size: int) -> NDArray[np.int64]:
    """Return the indexes of *size* questions; half of them are duplicates with their partners."""
    size = min(size, len(data.questions))
    chance = np.random.default_rng(0)
    order = chance.permutation(len(data.labelled))
    chosen = list(dict.fromkeys(data.labelled[order[:size]].ravel().tolist()))
    rest = chance.permutation(len(data.questions)).tolist()
    half = dict.fromkeys([*chosen[: size // 2], *rest])
    return np.sort(np.array(list(half)[:size], dtype=np.int64))


@dataclass
class Context:
    """The data and models of a part, and the file in which it saves each figure at once."""

    name: str
    folder: Path
    work: Path
    results: Path
    asked: int | None
    workers: int
    begun: float = field(default_factory=time.monotonic)

    def questions(self, default: int) -> int:
        """Return how many questions to measure with."""
        return self.asked or default

    @cached_property
    def data(self) -> Data:
        """Return the real questions."""
        self.say("reading the questions")
        return real_data(self.folder)

    @cached_property
    def encoder(self) -> Encoder:
        """Return the default bi-encoder, as it runs on this machine's CPU."""
        return load_encoder(DEFAULT_ENCODER, device="cpu", cache=self._cache)

    @cached_property
    def reranker(self) -> Reranker:
        """Return the shipped reranker, as it runs on this machine's CPU."""
        return load_reranker(DEFAULT_RERANKER, device="cpu", cache=self._cache)

    @property
    def archive_floor(self) -> float:
        """Return the floor of archives: the cosine below which no pair is reranked."""
        return Matcher.of(self.encoder, self.reranker).screen(with_gate=True).floor

    @property
    def _cache(self) -> Path:
        return WorkerSettings.model_validate({"redis_url": "redis://unused"}).model_cache

    def say(self, what: str) -> None:
        """Print the progress."""
        print(f"[{self.name} {time.monotonic() - self.begun:5.0f} s] {what}", file=sys.stderr)
        sys.stderr.flush()

    def note(self, what: str, value: str | float) -> None:
        """Save a figure at once, and show it."""
        self.say(f"{what}: {value}")
        saved = read_results(self.results)
        saved.setdefault(self.name, {})[what] = value
        partial = self.results.with_suffix(".part")
        partial.write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
        partial.replace(self.results)

    def forget(self) -> None:
        """Delete the figures of this part from earlier runs."""
        saved = read_results(self.results)
        if saved.pop(self.name, None) is not None:
            self.results.write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")

    def vectors(self, chosen: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return the vectors of the questions at the indexes *chosen*; computed ones are kept."""
        path = self.work / f"vectors-{re.sub(r'[^0-9a-f]', '', self.encoder.digest)[:12]}.npy"
        shape = (len(self.data.questions), self.encoder.dimension)
        if path.exists():
            held = np.lib.format.open_memmap(path, mode="r+")
        else:
            held = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        missing = chosen[~held[chosen].any(axis=1)]
        lengths = np.array([len(self.data.questions[one]) for one in missing.tolist()])
        order = missing[np.argsort(lengths, kind="stable")] if len(missing) else missing
        for start in range(0, len(order), _CHUNK):
            part = order[start : start + _CHUNK]
            held[part] = self.encoder.encode([self.data.questions[one] for one in part.tolist()])
            self.say(f"embedded {start + len(part):,} of {len(order):,}")
        return np.asarray(held[chosen])


def read_results(path: Path) -> dict[str, dict[str, str | float]]:
    """Return the figures of all parts that were measured so far."""
    if not path.exists():
        return {}
    saved: dict[str, dict[str, str | float]] = json.loads(path.read_text(encoding="utf-8"))
    return saved


def peak_mib() -> float:
    """Return the peak memory of this process in MiB."""
    return peak_of("self")


def peak_of(pid: int | str) -> float:
    """Return the peak memory of a process in MiB; `getrusage` would include its parent's."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def work_s() -> float:
    """Return the processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
