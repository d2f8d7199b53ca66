"""Which faults are made and when: the same seed gives the same plan."""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

WEIGHTS = {
    "kill api": 4,
    "kill worker": 8,
    "kill models": 8,
    "kill beat": 2,
    "kill redis": 4,
    "kill postgres": 3,
    "kill backend": 2,
    "kill reader": 4,
    "pause api": 3,
    "pause worker": 4,
    "pause models": 5,
    "pause beat": 1,
    "pause redis": 4,
    "pause backends": 4,
    "pause postgres": 2,
    "cut database": 6,
    "cut redis": 4,
    "cut clients": 4,
    "flush redis": 8,
    "fill redis": 4,
    "fill disk": 3,
    "fill database": 3,
    "read-only database": 3,
    "read-only redis": 3,
    "refuse webhooks": 4,
    "restart api": 1,
    "restart worker": 3,
    "restart beat": 1,
    "restart redis": 2,
    "restart postgres": 2,
}
"""How often each fault is drawn, relative to the others."""

WORKERS = ("worker-1", "worker-2")
_SHORTEST_S, _LONGEST_S = 0.2, 4.0
_PATIENCE_S = 15.0
"""Seconds after which a process that should have ended is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: the pause before it, the process that it affects, and how long it lasts."""

    after_s: float
    kind: str
    target: str = ""
    lasts_s: float = 0.0

    def __str__(self) -> str:
        whom = f" ({self.target})" if self.target else ""
        how_long = f", {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.kind}{whom}{how_long}"


def plan(seed: int, *, every_s: float, only: Iterable[str] = WEIGHTS) -> Iterator[Fault]:
    """Yield faults without end, one in *every_s* seconds on average."""
    drawn = random.Random(seed)
    kinds = list(only)
    weights = [WEIGHTS[kind] for kind in kinds]
    while True:
        (kind,) = drawn.choices(kinds, weights)
        yield Fault(
            after_s=round(min(drawn.expovariate(1 / every_s), 4 * every_s), 2),
            kind=kind,
            target=drawn.choice(WORKERS) if kind.endswith(("worker", "models")) else "",
            lasts_s=_lasting(kind, drawn.uniform(_SHORTEST_S, _LONGEST_S)),
        )


def _lasting(kind: str, drawn_s: float) -> float:
    if kind.startswith("restart"):
        return _PATIENCE_S
    return round(drawn_s, 1) if kind.startswith(("pause", "fill", "read-only", "refuse")) else 0.0


def write(log: Path, fault: Fault) -> None:
    """Add a fault that was made to the log."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(fault)) + "\n")


def read(log: Path) -> list[Fault]:
    """Return the faults of a log, to be made again."""
    return [Fault(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
