"""Writes precision by recall of each domain of a suite: as a picture, or as a table of points."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from db.errors import InvalidInputError
from training.measure.figures.curves import Point
from training.measure.suites.domains import DomainFigures

mpl.use("Agg")

SUFFIXES = (".svg", ".png", ".csv")
COLUMNS = ("domain", "stage", "threshold", "precision", "recall")
_NAMES = {"cosine_whole": "cosine", "served": "served"}
_STYLES = {"cosine_whole": "--", "served": "-"}
_ACROSS = 4
_SIZE = (3.0, 2.4)
"""Width and height of one domain's chart, in inches."""


def require_drawable(path: Path) -> None:
    """Raise `InvalidInputError` unless curves can be written under this name."""
    if path.suffix not in SUFFIXES:
        names = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise InvalidInputError(f"{path}: the name of the curves must end in {names}")


def write_curves(domains: Sequence[DomainFigures], path: Path) -> None:
    """Write the curves in the format of the file's name; raises `InvalidInputError` if it cannot.

    A dot shows the precision and recall at the threshold.
    """
    write = _write_points if path.suffix == ".csv" else _draw
    try:
        write(domains, path)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}") from error


def _write_points(domains: Sequence[DomainFigures], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for one in domains:
            for stage, points in one.curves.items():
                writer.writerows((one.label, _NAMES[stage], *_rounded(point)) for point in points)


def _rounded(point: Point) -> tuple[float, float, float]:
    return round(point.threshold, 6), round(point.precision, 4), round(point.recall, 4)


def _draw(domains: Sequence[DomainFigures], path: Path) -> None:
    down, across = ceil(len(domains) / _ACROSS), min(len(domains), _ACROSS)
    figure = Figure(figsize=(_SIZE[0] * across, _SIZE[1] * down), layout="constrained")
    all_axes = [figure.add_subplot(down, across, place + 1) for place in range(len(domains))]
    for axes, one in zip(all_axes, domains, strict=True):
        _one(axes, one)
    names = {name: line for axes in all_axes for line, name in zip(*_named(axes), strict=True)}
    figure.legend(names.values(), names.keys(), loc="outside lower center", ncols=len(names))
    # Words as words, not as outlines, and without a date: small files, equal for equal figures.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": ""}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _one(axes: Axes, domain: DomainFigures) -> None:
    for stage, points in domain.curves.items():
        # A point is the best from its recall on, so the line begins at a recall of 0.
        line = [*(replace(first, recall=0.0) for first in points[:1]), *points]
        recall, precision = [one.recall for one in line], [one.precision for one in line]
        axes.plot(recall, precision, _STYLES[stage], label=_NAMES[stage])
    if domain.precision is not None:
        axes.plot([domain.recall], [domain.precision], "o", color="black", label="at the threshold")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.set_title(domain.label, fontsize="medium")


def _named(axes: Axes) -> tuple[Sequence[Artist], Sequence[str]]:
    return axes.get_legend_handles_labels()
