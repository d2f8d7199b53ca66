"""Writes the table over a suite's domains as Markdown or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from db.errors import InvalidInputError
from db.wording import counted
from training.measure.figures.bootstrap import Interval
from training.measure.suites.domains import PRECISIONS, STAGES, DomainFigures
from training.measure.suites.languages import is_other, named
from training.measure.suites.suite import SuiteFigures

RANKING = ("language", "pairs", "same", "cosine, titles", "cosine, whole", "CrossEncoder", "served")
DECISION = (
    "threshold",
    "flagged",
    "precision",
    "recall",
    *(f"recall at precision {one:.2f}" for one in PRECISIONS),
    "calibration error",
    "asymmetry",
)
MEANS = {"pairs": "mean of labelled pairs", "mining": "mean of mining sets"}
LEGEND = """\
- `language` is what a detector finds in at most 300 questions of a domain; a question counts as
  English (`en`) unless it is surely not.
- The four columns after `same` are average precision, with 95 % bootstrap intervals.
- `pairs` of a mining set are its nearest pairs; `same` are all of its pairs that are the same, near
  or not; average precision and recall are shares of all those.
- `served` is the probability that the service gives; `precision` and `recall` are of the pairs that
  it flags at `threshold`; `recall at precision` is the most that another threshold could give.
- `calibration error` is the mean gap between the probability and the share that came true;
  `asymmetry` the mean difference between the CrossEncoder's probabilities of both orders.
"""
LEFT_OUT = "Each domain is decided by a rule that was fitted on the other domains alone."
SUFFIXES = (".md", ".json")
_FEW = 20
"""With fewer pairs of one label than this the figures of a domain say little."""


def write_report(found: SuiteFigures, path: Path) -> None:
    """Write the table in the format of the file's name; raises `InvalidInputError` if it cannot."""
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
    """Return the table with the meaning of its columns."""
    headings = ("domain", *RANKING, *DECISION)
    lines = [f"Bi-encoder `{found.bi_encoder}`, CrossEncoder `{found.reranker}`.", ""]
    lines += [LEFT_OUT, ""] if found.is_left_out else []
    lines += [_row(headings), _row(["---"] * len(headings))]
    for one in found.domains:
        best = best_stage(one)
        stages = [_bold(_interval(one.average_precision[s]), is_bold=s == best) for s in STAGES]
        lines.append(_row([one.label, *counts(one), *stages, *decision(one)]))
    for kind, means in found.means.items():
        values = [f"{value:.3f}" for value in means.values()]
        lines.append(_row([MEANS[kind], "", "", "", *values, *[""] * len(DECISION)]))
    notes = [f"- {line}" for line in cautions(found)]
    return "\n".join([*lines, "", *notes, LEGEND])


def counts(one: DomainFigures) -> list[str]:
    """Return the languages, the number of pairs, and of those that are the same, for people."""
    return [named(one.languages), f"{one.pairs:,}", f"{one.same:,}"]


def cautions(found: SuiteFigures) -> list[str]:
    """Return a line for each domain with few pairs, or in another language than English."""
    small = [_small_line(one) for one in found.domains if _fewest(one) < _FEW]
    return small + [_language_line(one) for one in found.domains if is_other(one.languages)]


def _fewest(one: DomainFigures) -> int:
    """Return the pairs of the rarer label; of a mining set, those that are the same."""
    return one.same if one.is_mining else min(one.same, one.pairs - one.same)


def _small_line(one: DomainFigures) -> str:
    same, other = counted(one.same, "pair is the same", "pairs are the same"), one.pairs - one.same
    rest = "" if one.is_mining else f" and {other:,} not"
    return f"{one.label}: only {same}{rest}, so its figures and intervals say little."


def _language_line(one: DomainFigures) -> str:
    said = f"{one.label} is not in English ({named(one.languages)}): the models know English alone."
    if not one.unknown_script:
        return f"{said} Its scores are made as for English, so they say little."
    weight = one.unknown_script_weight
    less = f"the cosine and {100 * weight:.0f} % of the CrossEncoder's weight" if weight else ""
    made_of = (
        "cosine and CrossEncoder as for English" if weight == 1 else less or "the cosine alone"
    )
    return (
        f"{said} In {100 * one.unknown_script:.0f} % of its pairs a text is in a script that they"
        f" do not know: there the served score is made of {made_of}, and a pair is flagged only if"
        " both texts are the same."
    )


def decision(one: DomainFigures) -> list[str]:
    """Return the figures of `DECISION`, for people."""
    return [
        f"{one.threshold:.2f}",
        f"{one.flagged:,}",
        "-" if one.precision is None else f"{one.precision:.2f}",
        f"{one.recall:.2f}",
        *(f"{recall:.2f}" for recall in one.recall_at.values()),
        f"{one.calibration_error:.3f}",
        f"{one.asymmetry:.3f}",
    ]


def best_stage(one: DomainFigures) -> str:
    """Return the stage that ranks a domain's pairs best."""
    return max(STAGES, key=lambda stage: one.average_precision[stage].value)


def _interval(found: Interval) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _bold(text: str, *, is_bold: bool) -> str:
    return f"**{text}**" if is_bold else text


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
