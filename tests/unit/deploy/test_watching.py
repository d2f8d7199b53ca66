"""The dashboard and the alerts ask for metrics that exist; promtool checks them where it is."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.measuring.metrics import Metrics
from api.measuring.stages import worker_metrics
from tests.servers.api_service import NotingQueue
from worker.process.meter import SCORE_BUCKETS, Meter

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "askedbefore.json"
_NAME = re.compile(r"\baskedbefore_\w+")
_FROM_DATABASE = {
    "askedbefore_jobs",
    "askedbefore_workers_proved",
    "askedbefore_class_oldest_due_seconds",
    "askedbefore_decisions",
    "askedbefore_webhook_deliveries",
    "askedbefore_archives",
    "askedbefore_database_connections",
    "askedbefore_database_bytes",
}
"""Read in one query each; an integration test sees them."""


def alerts() -> list[dict[str, Any]]:
    loaded = yaml.safe_load(ALERTS.read_text("utf-8"))
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return list(loaded["panels"])


def asked() -> Iterator[str]:
    for rule in alerts():
        yield from _NAME.findall(rule["expr"])
    for panel in panels():
        for target in panel["targets"]:
            yield from _NAME.findall(target["expr"])


def answered() -> set[str]:
    queue = NotingQueue()
    queue.meter = {("stage_bucket", "embed", "0.1"): 1, ("score_bucket", "pair", "0.1"): 1}
    metrics = Metrics(_no_database, queue, proof_s=90)  # type: ignore[arg-type]
    text = metrics.text().decode()
    families = list(text_string_to_metric_families(text))
    samples = {sample.name for family in families for sample in family.samples}
    declared = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    histograms = {
        f"{one}_{end}" for one in declared for end in ("bucket", "sum", "count") if "seconds" in one
    }
    return samples | declared | histograms


class _Away:
    def begin(self) -> None:
        from sqlalchemy.exc import OperationalError  # noqa: PLC0415

        raise OperationalError("SELECT", {}, Exception("away"))


_no_database = _Away()


def test_every_metric_that_is_asked_for_exists() -> None:
    assert set(asked()) - answered() - _FROM_DATABASE == set()


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["do"].endswith(".")
        assert rule["for"]


def test_the_panels_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]

    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels()}) == len(places)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_itself_takes_the_rules(tmp_path: Path) -> None:
    expressions = [target["expr"] for panel in panels() for target in panel["targets"]]
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(expressions)]
    of_panels = tmp_path / "panels.yml"
    of_panels.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    for command in (
        ["promtool", "check", "config", str(DEPLOY / "prometheus" / "prometheus.yml")],
        ["promtool", "check", "rules", str(ALERTS), str(of_panels)],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_workers_measure_comes_out_as_histograms_and_counters() -> None:
    meter = Meter()
    with meter.timed("embed"):
        pass
    meter.add("pairs", "both orders", 3)
    meter.scores([0.05, 0.5, 0.97])
    sums = {tuple(name.split("|")): amount for name, amount in meter.take().items()}

    made = {family.name: family for family in worker_metrics(sums)}

    samples = made["askedbefore_pair_score"].samples
    scores = {one.labels["le"]: one.value for one in samples if "le" in one.labels}
    assert (scores["0.1"], scores["0.5"], scores["1.0"], scores["+Inf"]) == (1, 2, 3, 3)
    assert len(scores) == len(SCORE_BUCKETS) + 1
    (pairs,) = made["askedbefore_pairs_scored"].samples
    assert (pairs.labels, pairs.value) == ({"way": "both orders"}, 3)
    assert "embed" in str(made["askedbefore_stage_seconds"].samples)
    assert meter.take() == {}
