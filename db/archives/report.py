"""The data of an archive's report, from its units and the pairs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, aliased

from db.groups.canonical import CanonicalBy, key_of
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question

SHOWN = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.DUPLICATE)


@dataclass(frozen=True, slots=True)
class FoundPair:
    """A pair of the report, by the forum's own ids."""

    low_id: int
    high_id: int
    low_external_id: str
    high_external_id: str
    low_title: str
    high_title: str
    kind: str
    status: str
    cosine: float | None
    score: float


def pairs_of(session: Session, archive_id: int) -> Iterator[FoundPair]:
    """Yield the pairs with a question of the archive, best first."""
    low, high = aliased(Question), aliased(Question)
    rows = session.execute(
        select(
            Pair.low_id,
            Pair.high_id,
            low.external_id.label("low_external_id"),
            high.external_id.label("high_external_id"),
            low.title.label("low_title"),
            high.title.label("high_title"),
            Pair.kind,
            Pair.status,
            Pair.cosine,
            Pair.score,
        )
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(
            or_(low.archive_id == archive_id, high.archive_id == archive_id),
            Pair.status.in_(SHOWN),
        )
        .order_by(Pair.score.desc(), Pair.id)
        .execution_options(yield_per=2_000)
    )
    for row in rows.mappings():
        yield FoundPair(**row)


def ages(
    session: Session, archive_id: int, *, by: str = CanonicalBy.OLDEST
) -> Mapping[int, object]:
    """Return the sort keys of the questions in the archive's pairs, the proposed one first.

    If only the age counts, questions of unknown age are missing.
    """
    ends = [
        select(end).join(Question, Question.id == end).where(Question.archive_id == archive_id)
        for end in (Pair.low_id, Pair.high_id)
    ]
    touched = ends[0].union(ends[1]).subquery()
    rows = session.execute(
        select(Question.id, Question.asked_at, Question.facts).where(
            Question.id.in_(select(touched))
        )
    )
    if by == CanonicalBy.OLDEST:
        return {row.id: row.asked_at for row in rows if row.asked_at is not None}
    return {row.id: key_of(row.facts, row.asked_at, rule=by) for row in rows}


_LINKS = """
    SELECT count(*), count(*) FILTER (WHERE 1 - (a.vector <=> b.vector) >= :floor)
    FROM pairs p JOIN questions q ON q.id = p.high_id AND q.archive_id = :archive
    JOIN embeddings a ON a.question_id = p.low_id AND a.model_id = :model
    JOIN embeddings b ON b.question_id = p.high_id AND b.model_id = :model
    WHERE p.kind = 'known'
"""


def links_over(
    session: Session, archive_id: int, model_id: int, *, floor: float
) -> tuple[int, int]:
    """Return how many of the forum's links have vectors, and how many of these reach *floor*."""
    parameters = {"archive": archive_id, "model": model_id, "floor": floor}
    row = session.execute(text(_LINKS), parameters).one()
    return int(row[0]), int(row[1])
