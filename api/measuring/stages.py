"""Metrics of the parts behind the API: the workers' stages and cascade, and the work that waits.

Workers add their sums up in Redis, so every API process shows the same.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import Connection

from db import facts
from worker.process.meter import SCORE_BUCKETS, STAGE_BUCKETS

Sums = Mapping[tuple[str, ...], float]


def worker_metrics(sums: Sums) -> Iterator[Metric]:
    """Yield what the workers have measured: stages, the cascade, scores."""
    yield _histogram(
        "askedbefore_stage_seconds",
        "Time that a stage of a batch took",
        sums,
        name="stage",
        label="stage",
        buckets=STAGE_BUCKETS,
    )
    yield _histogram(
        "askedbefore_pair_score",
        "Probabilities of the pairs that were scored",
        sums,
        name="score",
        label="of",
        buckets=SCORE_BUCKETS,
    )
    pairs = CounterMetricFamily(
        "askedbefore_pairs_scored", "Pairs by how far they came in the cascade", labels=("way",)
    )
    for key, amount in sorted(sums.items()):
        if key[0] == "pairs":
            pairs.add_metric((key[1],), amount)
    yield pairs


def _histogram(
    family: str, text: str, sums: Sums, *, name: str, label: str, buckets: Sequence[float]
) -> Metric:
    made = HistogramMetricFamily(family, text, labels=(label,))
    counts: dict[str, dict[str, float]] = defaultdict(dict)
    for key, amount in sums.items():
        if key[0] == f"{name}_bucket":
            counts[key[1]][key[2]] = amount
    for value, found in sorted(counts.items()):
        total, steps = 0.0, []
        for end in (*map(str, buckets), "+Inf"):
            total += found.get(end, 0.0)
            steps.append((end, total))
        made.add_metric((value,), steps, sum_value=sums.get((f"{name}_sum", value), 0.0))
    return made


def state_metrics(connection: Connection) -> Iterator[Metric]:
    """Yield what the database says about work, decisions, webhooks and archives."""
    yield _gauges(
        "askedbefore_class_oldest_due_seconds",
        "Age of the oldest due work, of forums with much (busy) or little (quiet) waiting work",
        ("lane", "forums"),
        facts.oldest_by_class(connection),
    )
    yield _gauges(
        "askedbefore_decisions",
        "Flagged pairs that people decided on in the last 30 days",
        ("status",),
        {(status,): count for status, count in facts.decided_lately(connection).items()},
    )
    yield _gauges(
        "askedbefore_webhook_deliveries",
        "Deliveries to webhooks that wait, are late, or were given up in the last day",
        ("state",),
        {(state,): count for state, count in facts.deliveries(connection).items()},
    )
    yield _gauges(
        "askedbefore_archives",
        "Archives by state and stage",
        ("state", "stage"),
        facts.archive_states(connection),
    )
    server = facts.server(connection)
    yield _gauges(
        "askedbefore_database_connections",
        "Connections to Postgres: used, and allowed",
        ("which",),
        {("used",): server.connections, ("allowed",): server.most_connections},
    )
    yield _gauges(
        "askedbefore_database_bytes", "Size of the database", (), {(): float(server.size)}
    )


def _gauges(family: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    made = GaugeMetricFamily(family, text, labels=labels)
    for key, value in values.items():
        made.add_metric(key, value)
    return made
