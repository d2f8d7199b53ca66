"""Adds the scores of every stage to each row of a file of pairs, in constant memory.

No row is lost and the order stays. A row without two questions, or one that cannot be read, keeps
its own columns and has empty scores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from training.data.pairs import BODY1, BODY2, QUESTION1, QUESTION2, PairsError, text_of
from training.data.tables import Row, Table
from training.data.writing import Writer
from training.measure.scoring.stages import CHUNK, Decision, PairTexts, Stages, StageScores
from worker.text.language import warnings_of
from worker.text.normal import foreign_share, model_text

SCORES: Mapping[str, type] = {
    "cosine_titles": float,
    "cosine_whole": float,
    "overlap": float,
    "logit_forward": float,
    "logit_backward": float,
    "probability": float,
    "flagged": int,
    "warning": str,
}
"""The columns that are added, with their types."""
_DIGITS = 6
_SHOWN = 5


@dataclass(slots=True)
class Lines:
    """A count of rows, with the numbers of the first ones."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count the row at *line*."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(line)

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.first) else ""
        word = "line" if self.count == 1 else "lines"
        return f"{word} {', '.join(map(str, self.first))}{more}"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of the rows of a file, while they are read."""

    rows: int = 0
    flagged: int = 0
    warned: int = 0
    """Pairs in a language that the models do not know."""
    empty: Lines = field(default_factory=Lines)
    """Rows that lack a question."""
    unreadable: Lines = field(default_factory=Lines)
    late: dict[str, int] = field(default_factory=dict)
    """Columns that are not in the header, with the first line of each."""

    @property
    def scored(self) -> int:
        """Return how many rows have scores."""
        return self.rows - self.empty.count - self.unreadable.count


def columns_of(table: Table) -> dict[str, type]:
    """Return the columns of the scored file: those of *table*, then the scores.

    Raises `PairsError` if there are no two questions, or if a column has a score's name.
    """
    table.require(QUESTION1, QUESTION2)
    taken = [name for name in SCORES if name in table.columns]
    if taken:
        reason = f"rename {', '.join(taken)}: scores are written into columns of these names"
        raise PairsError(table.path, reason, line=1)
    return {**dict.fromkeys(table.columns, str), **SCORES}


def score_table(
    table: Table,
    stages: Stages,
    writer: Writer,
    *,
    on_rows: Callable[[int], object] = lambda _count: None,
) -> Tally:
    """Write every row of *table* with its scores; *on_rows* gets the number of rows so far."""
    tally = Tally()
    source = iter(table)
    while rows := list(islice(source, CHUNK)):
        asked = [_texts(row) for row in rows]
        _count(rows, asked, table, tally)
        pairs = [texts for texts in asked if texts is not None]
        scores = stages.score(pairs)
        decision = stages.decide(scores)
        warnings = [_warning(one) for one in pairs]
        tally.flagged += int(decision.flagged.sum())
        tally.warned += sum(map(bool, warnings))
        found = _columns(scores, decision, warnings)
        writer.write(
            [
                {**row.values, **(_unscored(row) if texts is None else next(found))}
                for row, texts in zip(rows, asked, strict=True)
            ]
        )
        on_rows(tally.rows)
    return tally


def _texts(row: Row) -> PairTexts | None:
    """Return the questions of a row; None if one is missing or the row cannot be read."""
    names = (QUESTION1, QUESTION2, BODY1, BODY2)
    first, second, body1, body2 = (text_of(row.values.get(name)) for name in names)
    is_whole = row.fault is None and model_text(first) and model_text(second)
    return PairTexts(first, second, body1, body2) if is_whole else None


def _count(
    rows: Sequence[Row], asked: Sequence[PairTexts | None], table: Table, tally: Tally
) -> None:
    known = set(table.columns)
    tally.rows += len(rows)
    for row, texts in zip(rows, asked, strict=True):
        if row.fault is not None:
            tally.unreadable.add(row.line)
        elif texts is None:
            tally.empty.add(row.line)
        for name in row.values.keys() - known:
            tally.late.setdefault(name, row.line)


def _warning(pair: PairTexts) -> str:
    """Return the warning about the languages of a pair, empty if the models know them."""
    texts = zip((pair.title1, pair.title2), pair.full, strict=True)
    said = [warnings_of(title, foreign_share=foreign_share(full)) for title, full in texts]
    return "; ".join(dict.fromkeys(line for lines in said for line in lines))


def _columns(
    scores: StageScores, decision: Decision, warnings: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield the added columns of one pair after the other."""
    stages = (
        scores.cosine_titles,
        scores.cosine_whole,
        scores.overlap,
        scores.forward,
        scores.backward,
        decision.probability,
    )
    numbers = np.round(np.stack(stages, axis=1).astype(np.float64), _DIGITS).tolist()
    flagged = decision.flagged.astype(int).tolist()
    for row in zip(numbers, flagged, warnings, strict=True):
        yield dict(zip(SCORES, (*row[0], *row[1:]), strict=True))


def _unscored(row: Row) -> dict[str, object]:
    reason = f"this row cannot be read: {row.fault}" if row.fault else "a question is missing"
    return {**dict.fromkeys(SCORES), "warning": reason}
