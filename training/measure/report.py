"""Writes the folder of a run: configuration, data, figures, charts and a model card."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from training.data.pairs import HUB, Labels
from training.measure import plots
from training.measure.figures.metrics import Floats

RUN_FILE, METRICS_FILE, CARD_FILE = "run.json", "metrics.json", "README.md"
_PACKAGES = ("torch", "transformers", "sentence-transformers", "datasets", "scikit-learn", "numpy")

Figures = Mapping[str, Mapping[str, float]]
"""Metrics by the set and model they were measured with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that is needed to repeat a run and to judge its result."""

    recipe: str
    config: Mapping[str, object]
    data: Mapping[str, str]
    """SHA-256 of each file."""
    seed: int
    metrics: Figures
    history: Sequence[tuple[int, float]] = field(default_factory=tuple)
    """Average precision on dev by training step."""
    pairs_a_step: int = 1
    notes: Sequence[str] = field(default_factory=tuple)


def write(run: Run, folder: Path, *, labels: Labels, scores: dict[str, Floats]) -> None:
    """Write the run's configuration, metrics, model card and charts into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "recipe": run.recipe,
        "config": dict(run.config),
        "data": dict(run.data),
        "seed": run.seed,
        "versions": versions(),
        "commit": _commit(),
        "history": list(run.history),
        "pairs_a_step": run.pairs_a_step,
    }
    _write_json(folder / RUN_FILE, facts)
    _write_json(folder / METRICS_FILE, run.metrics)
    (folder / CARD_FILE).write_text(card(run), encoding="utf-8")
    by_pairs = [(step * run.pairs_a_step, value) for step, value in run.history]
    plots.save_all(folder, labels=labels, scores=scores, history=by_pairs)


def card(run: Run) -> str:
    """Return the model card of a run, in Markdown."""
    lines = [f"# {run.recipe}", "", "Trained by `askedbefore train`.", ""]
    lines += ["## Trained on", ""]
    lines += [f"- `{_short(name)}`, SHA-256 `{digest}`" for name, digest in run.data.items()]
    lines += ["", "## Measured", "", "| set and model | pairs | average precision | F1 |"]
    lines += ["| --- | --- | --- | --- |"]
    lines += [
        f"| {name} | {found['pairs']:,.0f} | {found['average_precision']:.4f} | {found['f1']:.4f} |"
        for name, found in run.metrics.items()
    ]
    lines += ["", *(f"- {note}" for note in run.notes)] if run.notes else []
    lines += ["", "## By amount of data", "", "| pairs seen | step | average precision on dev |"]
    lines += ["| --- | --- | --- |"]
    lines += [
        f"| {step * run.pairs_a_step:,} | {step:,} | {value:.4f} |" for step, value in run.history
    ]
    lines += ["", "## Configuration", ""]
    lines += [f"- {name}: `{value}`" for name, value in run.config.items()]
    return "\n".join(lines) + "\n"


def _short(source: str) -> str:
    """Return the name of a dataset of the hub, or that of a file without its folders."""
    return source if source.startswith(HUB) else Path(source).name


def versions() -> dict[str, str]:
    """Return the versions of Python and the libraries that decide a run's numbers."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in _PACKAGES
    }


def _commit() -> str | None:
    """Return the commit of the checkout; None if the project is not in one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _write_json(path: Path, data: object) -> None:
    text = json.dumps(data, indent=2, sort_keys=True, default=str)
    path.write_text(text + "\n", encoding="utf-8")
