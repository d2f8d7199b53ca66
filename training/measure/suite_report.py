"""The table over a suite's domains as Markdown or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from db.errors import InvalidInputError
from training.measure.bootstrap import Interval
from training.measure.domains import STAGES, DomainFigures
from training.measure.suite import SuiteFigures

HEADINGS = (
    "domain",
    "pairs",
    "same",
    "cosine, titles",
    "cosine, whole",
    "CrossEncoder",
    "served",
    "threshold",
    "flagged",
    "precision",
    "recall",
    "calibration error",
    "asymmetry",
)
LEGEND = """\
- The four columns after `same` are average precision, with 95 % bootstrap intervals.
- `pairs` of a mining set are its nearest pairs; `same` are all of its pairs that are the same, near
  or not; average precision and recall are shares of all those.
- `served` is the probability that the service gives; `precision` and `recall` are of the pairs that
  it flags at `threshold`.
- `calibration error` is the mean gap between the probability and the share that came true;
  `asymmetry` the mean difference between the CrossEncoder's probabilities of both orders.
"""
LEFT_OUT = "Each domain is decided by a calibration that was fitted on the other domains alone."
SUFFIXES = (".md", ".json")


def write_report(found: SuiteFigures, path: Path) -> None:
    """Write the table as its name asks for; raises `InvalidInputError` where it cannot be."""
    text = as_json(found) if path.suffix == ".json" else as_markdown(found)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}") from error


def require_suffix(path: Path) -> None:
    """Raise `InvalidInputError` unless a report can be written under this name."""
    if path.suffix not in SUFFIXES:
        raise InvalidInputError(f"{path}: the report's name must end in {' or '.join(SUFFIXES)}")


def as_json(found: SuiteFigures) -> str:
    """Return every figure, with the models' digests."""
    return json.dumps({**asdict(found), "means": found.means}, indent=2) + "\n"


def as_markdown(found: SuiteFigures) -> str:
    """Return the table and what its columns mean."""
    lines = [f"Bi-encoder `{found.bi_encoder}`, CrossEncoder `{found.reranker}`.", ""]
    lines += [LEFT_OUT, ""] if found.is_left_out else []
    lines += [_row(HEADINGS), _row(["---"] * len(HEADINGS))]
    for one in found.domains:
        best = best_stage(one)
        stages = [_bold(_interval(one.average_precision[s]), s == best) for s in STAGES]
        lines.append(_row(cells(one, stages)))
    means = [f"{found.means[stage]:.3f}" for stage in STAGES]
    lines.append(_row(["mean", "", "", *means, *[""] * (len(HEADINGS) - 3 - len(means))]))
    return "\n".join([*lines, "", LEGEND])


def cells(one: DomainFigures, stages: Sequence[str]) -> list[str]:
    """Return a row of the table; *stages* are the cells of average precision."""
    return [
        f"{one.name} (mining)" if one.is_mining else one.name,
        f"{one.pairs:,}",
        f"{one.same:,}",
        *stages,
        f"{one.threshold:.2f}",
        f"{one.flagged:,}",
        "-" if one.precision is None else f"{one.precision:.2f}",
        f"{one.recall:.2f}",
        f"{one.calibration_error:.3f}",
        f"{one.asymmetry:.3f}",
    ]


def best_stage(one: DomainFigures) -> str:
    """Return the stage that ranks a domain's pairs best."""
    return max(STAGES, key=lambda stage: one.average_precision[stage].value)


def _interval(found: Interval) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _bold(text: str, is_bold: bool) -> str:
    return f"**{text}**" if is_bold else text


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
