"""The chart names values that exist; Helm itself checks it where it is installed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "deploy" / "helm" / "askedbefore"
TEMPLATES = sorted((CHART / "templates").iterdir())
_VALUE = re.compile(r"\.Values((?:\.\w+)+)")
_INCLUDED = re.compile(r'include "([\w.]+)"')


def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_value_that_a_template_reads_is_in_the_file(path: Path) -> None:
    for found in _VALUE.findall(path.read_text("utf-8")):
        held: Any = values()
        for name in found.strip(".").split("."):
            assert name in held, found
            held = held[name]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_is_opened_is_closed_and_what_is_included_defined(path: Path) -> None:
    text = path.read_text("utf-8")
    opened = re.findall(r"\{\{-? (?:if|range|with|define) ", text)
    closed = re.findall(r"\{\{-? end \}\}", text)
    defined = re.findall(
        r'define "([\w.]+)"', (CHART / "templates/_helpers.tpl").read_text("utf-8")
    )

    assert len(opened) == len(closed)
    assert "{{" not in re.sub(r"\{\{.*?\}\}", "", text)
    assert set(_INCLUDED.findall(text)) <= set(defined)


def test_nothing_runs_as_root_or_with_rights_it_does_not_need() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text("utf-8")
    for line in ("runAsNonRoot: true", "readOnlyRootFilesystem: true", "drop: [ALL]"):
        assert line in helpers
    for name in ("api", "worker", "beat", "migrate"):
        text = (CHART / "templates" / f"{name}.yaml").read_text("utf-8")
        assert 'include "askedbefore.pod"' in text
        assert 'include "askedbefore.container"' in text
        assert "resources:" in text


@pytest.mark.parametrize("is_on", [True, False])
def test_helm_itself_takes_the_chart_and_kubernetes_what_it_makes(is_on: bool) -> None:
    helm = pytest.importorskip("helm_python", reason="pip install helm-python-sdk")
    schemas = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    scaled = {"autoscaling": {"enabled": is_on}}
    chosen = {"ingress": {"enabled": is_on}, "worker": scaled, "api": scaled}

    told = helm.lint(str(CHART), chosen, strict=True)
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(chosen, name="x", namespace="y")

    assert told["errors"] == []
    made = [one for text in files.values() for one in yaml.safe_load_all(text) if one]
    kinds = {one["kind"] for one in made}
    assert kinds >= {"Deployment", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    assert (kinds >= {"HorizontalPodAutoscaler", "Ingress", "ScaledObject"}) is is_on
    for one in made:
        if one["kind"] != "ScaledObject":  # KEDA's own
            schemas.validate(one, "1.33", strict=True)
