"""Metrics for Prometheus: counters of this process, and gauges read from the database."""

from collections.abc import Iterator, Mapping

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.measuring.stages import state_metrics, worker_metrics
from db.actions import actions
from db.archives import units as archive_units
from db.engine import FAILURES, Sessions
from db.errors import TransientError
from db.work import backlog, jobs, workers
from db.work.rows import Lane
from worker.queue import CheckAnswer, CheckRequest, Queue

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Otherwise each counter gets a second gauge with the start time of the process.
disable_created_metrics()  # type: ignore[no-untyped-call]

log = structlog.get_logger()


class Metrics:
    """The counters of one process and the gauges of the service behind it."""

    def __init__(self, sessions: Sessions, queue: Queue, *, proof_s: int) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "askedbefore_http_requests",
            "Requests answered by this process",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "askedbefore_http_request_seconds",
            "Time from a request's arrival to its answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "askedbefore_http_requests_in_flight",
            "Requests that this process has in hand",
            registry=self._registry,
        )
        self.questions = Counter(
            "askedbefore_questions_received",
            "Questions received by this process",
            ("outcome",),
            registry=self._registry,
        )
        self.outcomes = Counter(
            "askedbefore_suggestion_outcomes",
            "What askers did, reported to this process, by the suggestion's score in steps of 0.05",
            ("outcome", "from_score"),
            registry=self._registry,
        )
        self.failed_wakes = Counter(
            "askedbefore_wakes_failed",
            "Wake-ups that this process could not send; the sweep sends them later",
            ("lane",),
            registry=self._registry,
        )
        self._registry.register(_Service(sessions, queue, proof_s=proof_s))

    def text(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)


class CountedQueue:
    """A queue that counts its failed wake-ups."""

    def __init__(self, queue: Queue, metrics: Metrics) -> None:
        self._queue = queue
        self._failed = metrics.failed_wakes

    def wake(self, lane: Lane) -> bool:
        """Wake the workers of a lane and return whether a message was sent or waits."""
        is_sent = self._queue.wake(lane)
        if not is_sent:
            self._failed.labels(lane).inc()
        return is_sent

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        """Return a worker's answer; raises `TransientError` if none comes in time."""
        return self._queue.check(request, timeout_s=timeout_s)

    def finished(self) -> Iterator[list[int]]:
        """Yield the ids of questions as workers finish them."""
        return self._queue.finished()

    def ping(self) -> None:
        """Raise `TransientError` if the broker does not answer."""
        self._queue.ping()

    def measured(self) -> Mapping[tuple[str, ...], float]:
        """Return what all workers have measured."""
        return self._queue.measured()


class _Service(Collector):
    def __init__(self, sessions: Sessions, queue: Queue, *, proof_s: int) -> None:
        self._sessions = sessions
        self._queue = queue
        self._proof_s = proof_s

    def collect(self) -> Iterator[Metric]:
        yield self._broker()
        yield from worker_metrics(self._queue.measured())
        try:
            found = self._database()
        except FAILURES as error:
            log.warning("metrics.database_away", error=type(error).__name__)
            found = []
        yield _gauge("askedbefore_database_up", "Whether the database answers", float(bool(found)))
        yield from found

    def describe(self) -> list[Metric]:
        return []  # called at registration, when the database may not run yet

    def _broker(self) -> Metric:
        try:
            self._queue.ping()
        except TransientError:
            is_up = 0.0
        else:
            is_up = 1.0
        return _gauge("askedbefore_broker_up", "Whether Redis answers", is_up)

    def _database(self) -> list[Metric]:
        with self._sessions.begin() as session:
            counts = jobs.counts(session)
            unmined = archive_units.count_unmined(session)
            ages = backlog.oldest_due_s(session)
            proofs = workers.proved_lately(session, within_s=self._proof_s)
            undone = actions.totals(session)
            states = list(state_metrics(session.connection()))
        waiting = GaugeMetricFamily(
            "askedbefore_jobs", "Questions that work is owed on", labels=("lane", "state")
        )
        for lane, state, count in counts:
            waiting.add_metric((lane, state), count)
        waiting.add_metric((Lane.ARCHIVE, "unmined"), unmined)
        oldest = GaugeMetricFamily(
            "askedbefore_oldest_due_seconds", "Age of the oldest work that is due", labels=("lane",)
        )
        for lane, age_s in ages.items():
            oldest.add_metric((lane,), age_s)
        text = "Workers that have lately proved a real inference"
        proved = _gauge("askedbefore_workers_proved", text, float(len(proofs)))
        return [waiting, oldest, proved, _undone(undone), *states]


def _undone(totals: Mapping[str, int]) -> Metric:
    gauge = GaugeMetricFamily(
        "askedbefore_actions", "What forums are to do, by how far it is", labels=("state",)
    )
    for state, count in sorted(totals.items()):
        gauge.add_metric((state,), count)
    return gauge


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
