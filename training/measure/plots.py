"""The five charts of a run's report, drawn without a display."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from training.data.pairs import Labels
from training.measure.figures.metrics import Floats

mpl.use("Agg")

_SIZE = (6.0, 4.0)
_BINS = np.linspace(0.0, 1.0, 21)


def save_all(
    folder: Path,
    *,
    labels: Labels,
    scores: dict[str, Floats],
    history: Sequence[tuple[int, float]],
) -> list[Path]:
    """Write the charts of named probabilities as SVG and return their paths.

    *history* is average precision by the number of pairs seen. The last of *scores* is the one that
    the service uses.
    """
    served = list(scores.values())[-1]
    charts = {
        "precision_recall": lambda axes: _precision_recall(axes, labels, scores),
        "reliability": lambda axes: _reliability(axes, labels, served),
        "scores": lambda axes: _histogram(axes, labels, served),
        "thresholds": lambda axes: _thresholds(axes, labels, served),
        "training": lambda axes: _training(axes, history),
    }
    paths = []
    for name, draw in charts.items():
        figure = Figure(figsize=_SIZE, layout="constrained")
        draw(figure.add_subplot())  # type: ignore[no-untyped-call]  # matplotlib's
        paths.append(folder / f"{name}.svg")
        figure.savefig(paths[-1])
    return paths


def _precision_recall(axes: Axes, labels: Labels, scores: dict[str, Floats]) -> None:
    for name, values in scores.items():
        precision, recall, _ = precision_recall_curve(labels, values)
        axes.plot(recall, precision, label=name)
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall")
    axes.legend()


def _reliability(axes: Axes, labels: Labels, probabilities: Floats) -> None:
    bins = np.digitize(probabilities, _BINS[1:-1])
    filled = np.unique(bins)
    promised = [probabilities[bins == place].mean() for place in filled]
    came_true = [labels[bins == place].mean() for place in filled]
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.plot(promised, came_true, marker="o")
    axes.set(xlabel="probability promised", ylabel="share of duplicates", title="Reliability")


def _histogram(axes: Axes, labels: Labels, probabilities: Floats) -> None:
    groups = [probabilities[labels == 0], probabilities[labels == 1]]
    axes.hist(groups, bins=_BINS.tolist(), label=["different", "duplicates"])
    axes.set(xlabel="probability", ylabel="pairs", title="Scores")
    axes.legend()


def _thresholds(axes: Axes, labels: Labels, probabilities: Floats) -> None:
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    axes.plot(thresholds, precision[:-1], label="precision")
    axes.plot(thresholds, recall[:-1], label="recall")
    axes.set(xlabel="threshold", title="What a threshold gives")
    axes.legend()


def _training(axes: Axes, history: Sequence[tuple[int, float]]) -> None:
    axes.plot([seen for seen, _ in history], [value for _, value in history], marker="o")
    axes.set(xlabel="pairs seen", ylabel="average precision on dev", title="Training")
