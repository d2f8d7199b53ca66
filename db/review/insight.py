"""Figures from the decisions so far: progress, agreement, precision by score, history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import REAL, ColumnElement, Date, and_, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from db.rows import SERVICE, PairKind, PairStatus
from db.tables.pairs import Event, Pair
from db.tables.questions import Model, Question
from db.tables.review import Decision

CHANGES = ("pair.decided", "pair.undone", "pair.withdrawn", "pair.flagged", "pair.rescored")
CHANGES_LIMIT = 1_000
"""How many changes are read at the most."""
_JUDGED = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happened to a pair, with the present state of the pair."""

    event_id: int
    pair_id: int
    status: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One decision, with the score and the model at that time."""

    id: int
    pair_id: int
    actor: str
    status: PairStatus
    earlier: PairStatus
    note: str | None
    score: float
    reranker: str | None
    titles: tuple[str, str]
    undoes: int | None
    undone: bool
    bulk: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A judged pair: its score, and whether it is a duplicate."""

    pair_id: int
    score: float
    is_duplicate: bool
    raw_score: float | None = None
    """The model's own probability, if a calibration has changed it."""
    model_ids: tuple[int | None, int | None] = (None, None)
    """The reranker and the bi-encoder that scored it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryPrecision:
    """How many of a category's judged pairs are duplicates."""

    category: str
    judged: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A summary of a forum's reviewing."""

    per_day: Sequence[tuple[date, int]]
    """Of the last thirty days, oldest first, days without any included."""
    by_person: Sequence[tuple[str, int]]
    agreed: int
    compared: int
    """Pairs that two or more people judged."""
    median_s: float | None
    """Between opening a pair and deciding on it."""
    oldest: datetime | None
    categories: Sequence[CategoryPrecision]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two texts and whether people decided that they are the same."""

    pair_id: int
    question1: str
    question2: str
    is_duplicate: bool


def count_done_today(session: Session, forum_id: int, actor: str) -> int:
    """Return how many decisions this person made today (UTC) that were not undone."""
    return session.execute(
        select(func.count()).where(
            Decision.forum_id == forum_id,
            Decision.created_at >= func.date_trunc("day", func.now()),
            Decision.actor == actor,
            Decision.undoes.is_(None),
            Decision.undone.is_(False),
        )
    ).scalar_one()


def last_decision(session: Session, forum_id: int) -> int:
    """Return the id of the forum's latest decision, or 0."""
    latest = (
        select(Decision.id)
        .where(Decision.forum_id == forum_id)
        .order_by(Decision.id.desc())
        .limit(1)
    )
    return session.execute(latest).scalar_one_or_none() or 0


def last_event(session: Session, forum_id: int) -> int:
    """Return the id of the forum's latest event, or 0."""
    latest = select(func.max(Event.id)).where(Event.forum_id == forum_id)
    return session.execute(latest).scalar_one() or 0


def changes_since(
    session: Session, forum_id: int, event_id: int, *, without: Collection[int] = ()
) -> list[Change]:
    """Return what happened to pairs after an event, the latest first, up to `CHANGES_LIMIT`.

    The events *without* are left out.
    """
    found = session.execute(
        select(Event.id.label("event_id"), Event.pair_id, Pair.status, Event.actor)
        .join(Pair, Pair.id == Event.pair_id)
        .where(*_changes(forum_id, event_id), Event.id.not_in(without))
        .order_by(Event.id.desc())
        .limit(CHANGES_LIMIT)
    )
    return [Change(**row) for row in found.mappings()]


def change_ids(session: Session, forum_id: int, event_id: int) -> list[int]:
    """Return the ids of what happened to pairs after an event."""
    return list(session.execute(select(Event.id).where(*_changes(forum_id, event_id))).scalars())


def _changes(forum_id: int, event_id: int) -> tuple[ColumnElement[bool], ...]:
    return Event.forum_id == forum_id, Event.id > event_id, Event.kind.in_(CHANGES)


def history(
    session: Session,
    forum_id: int,
    *,
    actor: str | None = None,
    day: date | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[HistoryRow]:
    """Return decisions, the latest first, those older than the decision *before*."""
    low, high = aliased(Question), aliased(Question)
    statement = (
        select(
            *(
                getattr(Decision, name)
                for name in HistoryRow.__dataclass_fields__
                if name not in {"earlier", "reranker", "titles"}
            ),
            Decision.earlier["status"].astext.label("earlier"),
            Model.name.label("reranker"),
            low.title.label("low"),
            high.title.label("high"),
        )
        .join(Pair, Pair.id == Decision.pair_id)
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .outerjoin(Model, Model.id == Decision.reranker_id)
        .where(Decision.forum_id == forum_id)
        .order_by(Decision.id.desc())
        .limit(limit)
    )
    if actor is not None:
        statement = statement.where(Decision.actor == actor)
    if day is not None:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        statement = statement.where(
            Decision.created_at >= start, Decision.created_at < start + timedelta(days=1)
        )
    if before is not None:
        statement = statement.where(Decision.id < before)
    return [_history_row(dict(row)) for row in session.execute(statement).mappings()]


def _history_row(row: dict[str, object]) -> HistoryRow:
    titles = (row.pop("low"), row.pop("high"))
    row["status"], row["earlier"] = PairStatus(str(row["status"])), PairStatus(str(row["earlier"]))
    return HistoryRow(**row, titles=titles)  # type: ignore[arg-type]


def judged(session: Session, forum_id: int, *, limit: int = 20_000) -> list[Judged]:
    """Return the judged pairs that have a model's score, the latest first.

    Pairs of the same text and the forum's own links are left out, because no threshold applies to
    them. Decisions of the service itself are left out, because they prove nothing.
    """
    found = session.execute(
        select(
            Pair.id,
            Pair.score,
            Pair.raw_score,
            Pair.status,
            Pair.reranker_id,
            Pair.bi_encoder_id,
        )
        .where(
            Pair.forum_id == forum_id,
            Pair.status.in_(_JUDGED),
            Pair.kind == PairKind.MODEL,
            Pair.decided_by != SERVICE,
        )
        .order_by(Pair.decided_at.desc())
        .limit(limit)
    )
    return [
        Judged(
            pair_id=row.id,
            score=row.score,
            is_duplicate=row.status == PairStatus.DUPLICATE,
            raw_score=row.raw_score,
            model_ids=(row.reranker_id, row.bi_encoder_id),
        )
        for row in found
    ]


def waiting_scores(session: Session, forum_id: int, *, bins: int = 200) -> list[int]:
    """Return the number of undecided pairs in each of *bins* equal ranges of the score."""
    # In the precision of the column: 0.9 is in the range that begins at 0.9.
    begins = cast([place / bins for place in range(bins)], ARRAY(REAL))
    place = func.width_bucket(Pair.score, begins) - 1
    undecided = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.WITHDRAWN)
    found = session.execute(
        select(place.label("place"), func.count().label("total"))
        .where(Pair.forum_id == forum_id, Pair.status.in_(undecided), Pair.kind == PairKind.MODEL)
        .group_by(place)
    )
    counts = [0] * bins
    for row in found:
        counts[row.place] = row.total
    return counts


def summary(session: Session, forum_id: int, *, days: int = 30) -> Summary:
    """Return a summary of the forum's reviewing, the last *days* days in detail."""
    agreed, compared = _agreement(session, forum_id)
    return Summary(
        per_day=_per_day(session, forum_id, days),
        by_person=_by_person(session, forum_id, days),
        agreed=agreed,
        compared=compared,
        median_s=_median(session, forum_id, days),
        oldest=session.execute(
            select(func.min(Pair.flagged_at)).where(
                Pair.forum_id == forum_id, Pair.status == PairStatus.FLAGGED
            )
        ).scalar_one(),
        categories=_by_category(session, forum_id),
    )


def _standing(forum_id: int, days: int) -> ColumnElement[bool]:
    return and_(
        Decision.forum_id == forum_id,
        Decision.actor != SERVICE,
        Decision.created_at >= func.now() - timedelta(days=days),
        Decision.undoes.is_(None),
        Decision.undone.is_(False),
    )


def _per_day(session: Session, forum_id: int, days: int) -> list[tuple[date, int]]:
    day = cast(Decision.created_at, Date)
    found = session.execute(
        select(day.label("day"), func.count().label("total"))
        .where(_standing(forum_id, days))
        .group_by(day)
    )
    counts = {row.day: row.total for row in found}
    today = datetime.now(UTC).date()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    return [(one, counts.get(one, 0)) for one in shown]


def _by_person(session: Session, forum_id: int, days: int) -> list[tuple[str, int]]:
    found = session.execute(
        select(Decision.actor, func.count().label("total"))
        .where(_standing(forum_id, days))
        .group_by(Decision.actor)
        .order_by(func.count().desc(), Decision.actor)
        .limit(12)
    )
    return [(row.actor, row.total) for row in found]


def _median(session: Session, forum_id: int, days: int) -> float | None:
    middle = func.percentile_cont(0.5).within_group(Decision.seconds)
    statement = select(middle).where(_standing(forum_id, days))
    seconds: float | None = session.execute(statement).scalar_one()
    return seconds


_AGREEMENT = text("""
    SELECT count(*) FILTER (WHERE said = 1) AS agreed, count(*) AS compared FROM (
        SELECT count(DISTINCT status) AS said FROM (
            SELECT DISTINCT ON (pair_id, actor) pair_id, actor, status FROM (
                SELECT pair_id, actor, status, created_at AS at FROM decisions
                WHERE forum_id = :forum AND undoes IS NULL AND NOT undone AND actor <> 'service'
                UNION ALL
                SELECT pair_id, actor, status, answered_at FROM second_opinions
                WHERE forum_id = :forum AND actor IS NOT NULL
            ) AS words ORDER BY pair_id, actor, at DESC
        ) AS last_words GROUP BY pair_id HAVING count(*) > 1
    ) AS judged_twice
""")


def _agreement(session: Session, forum_id: int) -> tuple[int, int]:
    found = session.execute(_AGREEMENT, {"forum": forum_id}).one()
    return found.agreed, found.compared


def _by_category(session: Session, forum_id: int) -> list[CategoryPrecision]:
    right = func.count().filter(Pair.status == PairStatus.DUPLICATE)
    found = session.execute(
        select(Question.category, func.count().label("judged"), right.label("right"))
        .select_from(Pair)
        .join(Question, Question.id == Pair.high_id)
        .where(
            Pair.forum_id == forum_id,
            Pair.status.in_(_JUDGED),
            Pair.kind == PairKind.MODEL,
            Pair.decided_by != SERVICE,
            Question.category.is_not(None),
        )
        .group_by(Question.category)
        .order_by(func.count().desc(), Question.category)
        .limit(12)
    )
    return [CategoryPrecision(**row) for row in found.mappings()]


def training_pairs(
    session: Session, forum_id: int, *, after: int = 0, limit: int
) -> list[LabelledPair]:
    """Return the decisions about the pairs after *after* as labelled pairs, by the pairs' ids.

    "Related" counts as not the same.
    """
    found = session.execute(
        select(Pair.id, Pair.low_id, Pair.high_id, Pair.status)
        .where(
            Pair.forum_id == forum_id,
            Pair.id > after,
            Pair.status.in_(_JUDGED),
            Pair.decided_by != SERVICE,
        )
        .order_by(Pair.id)
        .limit(limit)
    ).all()
    # Two statements: without fresh statistics, one would make Postgres join every pair with every
    # question.
    titles = _titles_of(session, {end for row in found for end in (row.low_id, row.high_id)})
    return [
        LabelledPair(
            pair_id=row.id,
            question1=titles[row.low_id],
            question2=titles[row.high_id],
            is_duplicate=row.status == PairStatus.DUPLICATE,
        )
        for row in found
        if row.low_id in titles and row.high_id in titles
    ]


def _titles_of(session: Session, question_ids: Collection[int]) -> dict[int, str]:
    statement = select(Question.id, Question.title).where(Question.id.in_(question_ids))
    return {row.id: row.title for row in session.execute(statement)}
