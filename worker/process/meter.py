"""What a worker measures of its own work; the sums of all workers are in Redis for `/metrics`.

A worker has no HTTP port, so it adds its sums in Redis, and the API shows them. This Redis keeps
nothing on disk: after its restart the sums begin at 0, as counters may.
"""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import redis

from worker.process.tracing import TRACER

KEY = "askedbefore:meter"
STAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the histogram of a stage's seconds in one batch."""
SCORE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper ends of the histogram of scores."""
_SEPARATOR = "|"


class Meter:
    """The sums of one process since they were last sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[str, float] = defaultdict(float)

    def add(self, name: str, label: str, amount: float = 1.0) -> None:
        """Add to a counter."""
        with self._lock:
            self._sums[_SEPARATOR.join((name, label))] += amount

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure and trace how long the block takes, also if it fails."""
        begun = time.perf_counter()
        try:
            with TRACER.start_as_current_span(stage):
                yield
        finally:
            self.observe("stage", stage, time.perf_counter() - begun, STAGE_BUCKETS)

    def observe(self, name: str, label: str, value: float, buckets: tuple[float, ...]) -> None:
        """Add a value to a histogram."""
        self._put(name, label, [value], buckets)

    def scores(self, values: Iterable[float]) -> None:
        """Add the probabilities of scored pairs to their histogram."""
        self._put("score", "pair", values, SCORE_BUCKETS)

    def _put(
        self, name: str, label: str, values: Iterable[float], buckets: tuple[float, ...]
    ) -> None:
        with self._lock:
            for value in values:
                place = bisect_left(buckets, value)
                end = str(buckets[place]) if place < len(buckets) else "+Inf"
                self._sums[_SEPARATOR.join((f"{name}_bucket", label, end))] += 1
                self._sums[_SEPARATOR.join((f"{name}_sum", label))] += value

    def take(self) -> Mapping[str, float]:
        """Return the sums since the last call, and begin again from 0."""
        with self._lock:
            taken, self._sums = self._sums, defaultdict(float)
        return taken

    def send(self, client: redis.Redis) -> bool:
        """Add the sums to those of all workers; return False if Redis is down, and keep them."""
        taken = self.take()
        if not taken:
            return True
        try:
            pipeline = client.pipeline(transaction=True)
            for name, amount in taken.items():
                pipeline.hincrbyfloat(KEY, name, amount)
            pipeline.execute()
        except redis.RedisError:
            with self._lock:
                for name, amount in taken.items():
                    self._sums[name] += amount
            return False
        return True


METER = Meter()
"""The meter of this process."""


def read(client: redis.Redis) -> dict[tuple[str, ...], float]:
    """Return the sums of all workers, by the parts of their names; empty if Redis is down."""
    try:
        found = client.hgetall(KEY)
    except redis.RedisError:
        return {}
    return {tuple(_text(name).split(_SEPARATOR)): float(amount) for name, amount in found.items()}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
