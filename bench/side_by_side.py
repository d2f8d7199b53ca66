"""Compares two checkouts of the service, which are measured in turns on one machine.

Each checkout has servers and processes of its own. They take turns after each measurement, so other
work of the machine affects both. Besides times, the processor seconds of each whole service are
compared, which other programs hardly change.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench.texts import questions
from worker.settings import WorkerSettings
from worker.weights.load import DEFAULT_ENCODER, load_encoder

MEASURED = ("latency", "drain", "submits")
REAL = 180_000
"""Largest number of real questions; further ones are made up and near real ones."""
_RUNNER = Path(__file__).with_name("one_side.py")
_NUMBER = re.compile(r"(?<![p\d.,])\d[\d,]*\.?\d*")
"""A figure, but not the 50 of p50."""
_CHUNK = 4_096
_PLAIN_SERVER = {"UVICORN_HTTP": "h11", "UVICORN_LOOP": "asyncio"}
"""The HTTP parser and event loop of 0.4.0, which would use faster ones if they are installed."""


@dataclass(slots=True)
class Side:
    """A checkout that is measured."""

    name: str
    process: "subprocess.Popen[str]"
    rows: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cpu_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def measure(self, what: str) -> None:
        """Do one measurement and keep its rows."""
        answer = self._ask(what)
        for name, value in answer["rows"]:
            self.rows[name].append(value)
        self.cpu_s[what].append(answer["cpu_s"])

    def _ask(self, what: str) -> dict[str, Any]:
        if self.process.stdin is None:
            raise RuntimeError("it was started without an input")
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.line())
        return answer

    def line(self) -> str:
        """Return the next line of the process that is an answer."""
        if self.process.stdout is None:
            raise RuntimeError("it was started without an output")
        for line in self.process.stdout:
            if line.startswith(("{", "ready")):
                return line
        raise RuntimeError(f"{self.name} ended: see its messages above")


def run(*, stored: int, against: Path | None, rounds: int) -> None:
    """Measure this checkout, and another beside it, and print a Markdown table."""
    checkouts = {"now": Path(__file__).parents[1]}
    if against is not None:
        checkouts = {str(against.name): against, **checkouts}
    vectors = vector_file(min(stored, REAL))
    with ExitStack() as stack:
        sides = [
            Side(name, stack.enter_context(_started(folder, stored, vectors)))
            for name, folder in checkouts.items()
        ]
        for side in sides:
            side.line()
        for _ in range(rounds):
            for what in MEASURED:
                for side in sides:
                    side.measure(what)
        for side in sides:
            side.measure("memory")
            if side.process.stdin is not None:
                side.process.stdin.close()
    print("\n".join(table(sides)))


def _started(folder: Path, stored: int, vectors: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(_RUNNER), str(stored), str(vectors)],
        cwd=folder,
        env={  # passed on
            **os.environ,  # noqa: TID251
            **_PLAIN_SERVER,
            "PYTHONPATH": str(folder),
            "PYTHONSAFEPATH": "1",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def vector_file(count: int) -> Path:
    """Return a file with the vectors of the first *count* questions, (count, dimension) float16."""
    cache = WorkerSettings.model_validate({"redis_url": "redis://nowhere"}).model_cache
    encoder = load_encoder(DEFAULT_ENCODER, cache=cache)
    texts = questions(count)
    path = cache / f"bench-{encoder.digest[:12]}-{hash_of(texts)}-{count}.npy"
    if not path.exists():
        halves = np.zeros((count, encoder.dimension), np.float16)
        order = sorted(range(count), key=lambda place: len(texts[place]))
        for start in range(0, count, _CHUNK):
            part = order[start : start + _CHUNK]
            halves[part] = encoder.encode([texts[place] for place in part])
        path.parent.mkdir(parents=True, exist_ok=True)  # on a GPU nothing else is kept there
        np.save(path, halves)
    return path


def hash_of(texts: Sequence[str]) -> str:
    """Return a few digits that tell one list of texts from another."""
    return sha256("\n".join(texts).encode()).hexdigest()[:8]


def table(sides: Sequence[Side]) -> list[str]:
    """Return the lines of the table: each row's medians, and the last side over the first."""
    lines = [
        f"| service | {' | '.join(side.name for side in sides)} | ratio |",
        f"| --- | {'--- | ' * len(sides)}---: |",
    ]
    for name in sides[-1].rows:
        cells = [middle(side.rows.get(name, [])) for side in sides]
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio(cells[0], cells[-1])} |")
    for what in sides[-1].cpu_s:
        cells = [f"{statistics.median(side.cpu_s[what]):.1f} s" for side in sides]
        name = f"processor seconds of `{what}`, client and servers"
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio(cells[0], cells[-1])} |")
    return lines


def middle(values: Sequence[str]) -> str:
    """Return the text in which each number is the median of this number in all *values*."""
    numbers = [[float(one.replace(",", "")) for one in _NUMBER.findall(v)] for v in values]
    if not numbers:
        return "-"
    medians = iter([statistics.median(column) for column in zip(*numbers, strict=True)])

    def put(match: "re.Match[str]") -> str:
        median = next(medians)
        decimals = len(match.group().partition(".")[2])
        return f"{median:,.{decimals}f}"

    return _NUMBER.sub(put, values[0])


def ratio(first: str, last: str) -> str:
    """Return the numbers of *last* over those of *first*."""
    pairs = zip(*(_figures(cell) for cell in (first, last)), strict=False)
    return ", ".join(f"{new / old:.2f}" for old, new in pairs if old)


def _figures(cell: str) -> list[float]:
    return [float(one.replace(",", "")) for one in _NUMBER.findall(cell)]
