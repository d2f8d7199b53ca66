"""A forum's own calibration: its decisions, putting it into force, undoing it.

Code that writes scores takes a shared lock on the forum, and code that changes its calibration an
exclusive one. So no pair keeps a score of an earlier calibration. Decided pairs keep their scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Double,
    and_,
    case,
    cast,
    func,
    insert,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Session

from db.errors import ConflictError
from db.groups import groups
from db.outbox.events import NewEvent, record
from db.rows import SERVICE, UNDECIDED, PairKind, PairStatus
from db.tables.calibrations import ForumCalibration
from db.tables.pairs import Pair
from db.tenants import forums
from db.tenants.rows import CalibrationRow, ForumRow, Learnt

LIMIT = 20_000
"""At most so many decisions are read, the latest first."""
_DECIDED = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)
_VISIBLE = (PairStatus.FLAGGED, PairStatus.OBSERVED)
# The same formula as in `worker.scoring.recalibration`; the results must be equal.
_LEAST, _MOST, _FAR = 1e-30, 1 - 3e-8, 60.0


class NoCalibrationError(ConflictError):
    """This forum has no calibration of its own: the model's own is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The model's own probability for a decided pair, and the decision."""

    raw: float
    """0 to 1, before the forum's own calibration."""
    is_duplicate: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many undecided pairs get another score, are flagged or are hidden."""

    scored: int
    shown: int
    hidden: int


def decided(
    session: Session, forum_id: int, *, reranker_id: int, bi_encoder_id: int
) -> list[Decided]:
    """Return the decisions on pairs that these models scored, the latest first.

    "Related" counts as not the same. Pairs of the same text, linked and joined pairs have no score
    of a model.
    """
    found = session.execute(
        select(_raw().label("raw"), Pair.status, Pair.decided_at)
        .where(
            Pair.forum_id == forum_id,
            Pair.status.in_(_DECIDED),
            Pair.kind == PairKind.MODEL,
            Pair.decided_by != SERVICE,
            Pair.reranker_id == reranker_id,
            Pair.bi_encoder_id == bi_encoder_id,
        )
        .order_by(Pair.decided_at.desc(), Pair.id)
        .limit(LIMIT)
    )
    return [
        Decided(
            raw=row.raw,
            is_duplicate=row.status == PairStatus.DUPLICATE,
            decided_at=row.decided_at,
        )
        for row in found
    ]


_SAID_DIFFERENT = text("""
    SELECT DISTINCT p.id, coalesce(p.raw_score, p.score) AS raw
    FROM outcomes AS said
    JOIN outcomes AS posted ON posted.check_key = said.check_key AND posted.outcome = 'posted'
    JOIN questions AS q ON q.forum_id = said.forum_id AND q.external_id = posted.asked_as
    JOIN pairs AS p ON p.low_id = least(q.id, said.candidate_id)
        AND p.high_id = greatest(q.id, said.candidate_id)
    WHERE said.forum_id = :forum AND said.outcome = 'different'
        AND p.status IN ('flagged', 'observed', 'withdrawn') AND p.kind = 'model'
        AND p.reranker_id = :reranker AND p.bi_encoder_id = :bi_encoder
    ORDER BY p.id DESC LIMIT :most
""")


def said_different(
    session: Session, forum_id: int, *, reranker_id: int, bi_encoder_id: int
) -> list[float]:
    """Return the model's probabilities of undecided pairs whose asker said that they differ.

    The asker saw one question, said that theirs is different, and posted it.
    """
    wanted = {"forum": forum_id, "reranker": reranker_id, "bi_encoder": bi_encoder_id}
    found = session.execute(_SAID_DIFFERENT, wanted | {"most": LIMIT})
    return [float(row.raw) for row in found]


def versions(session: Session, forum_id: int, *, limit: int = 20) -> list[CalibrationRow]:
    """Return the forum's calibrations, the latest first."""
    found = session.execute(
        select(ForumCalibration)
        .where(ForumCalibration.forum_id == forum_id)
        .order_by(ForumCalibration.id.desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    ).scalars()
    return [forums.calibration_row(one) for one in found]


def foresee(session: Session, forum: ForumRow, learnt: Learnt | None, *, threshold: float) -> Moved:
    """Return what would change with *learnt* in force; with None, without any calibration."""
    is_over = _score(learnt) >= cast(threshold, REAL)
    over = _over(forum)
    found = session.execute(
        select(
            func.count().label("scored"),
            func.count().filter(is_over, Pair.status != over).label("shown"),
            func.count().filter(~is_over, Pair.status.in_(_VISIBLE)).label("hidden"),
        ).where(_concerned(forum, learnt))
    ).one()
    return Moved(scored=found.scored, shown=found.shown, hidden=found.hidden)


def put_in_force(
    session: Session, forum: ForumRow, learnt: Learnt, *, threshold: float, actor: str
) -> CalibrationRow:
    """Make *learnt* the forum's calibration and score its undecided pairs by it.

    *forum* is locked by `lock`. The threshold stays the same number.
    """
    _end(session, forum, actor=actor)
    values = {name: getattr(learnt, name) for name in Learnt.__dataclass_fields__}
    calibration_id = session.execute(
        insert(ForumCalibration)
        .values(forum_id=forum.id, actor=actor, **values)
        .returning(ForumCalibration.id)
    ).scalar_one()
    _rescore(session, forum, learnt, calibration_id, threshold=threshold, actor=actor)
    return versions(session, forum.id, limit=1)[0]


def take_back(session: Session, forum: ForumRow, *, threshold: float, actor: str) -> Moved:
    """Go back to the model's own probabilities for the forum's undecided pairs.

    *forum* is locked by `lock`. Raises `NoCalibrationError`.
    """
    if not _end(session, forum, actor=actor):
        raise NoCalibrationError
    return _rescore(session, forum, None, None, threshold=threshold, actor=actor)


def lock(session: Session, name: str) -> ForumRow:
    """Return the forum, locked against deciding, scoring and changes in other transactions.

    Raises `ForumNotFoundError`.
    """
    groups.lock(session, forums.get_forum(session, name).id)
    return forums.lock(session, name)


def _end(session: Session, forum: ForumRow, *, actor: str) -> bool:
    ended = session.execute(
        update(ForumCalibration)
        .where(ForumCalibration.forum_id == forum.id, ForumCalibration.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp(), ended_by=actor)
        .returning(ForumCalibration.id)
        .execution_options(synchronize_session=False)
    )
    return ended.first() is not None


def _rescore(
    session: Session,
    forum: ForumRow,
    learnt: Learnt | None,
    calibration_id: int | None,
    *,
    threshold: float,
    actor: str,
) -> Moved:
    # One statement for all pairs of a large forum: longer than the usual statement timeout.
    session.execute(text("SET LOCAL statement_timeout = '10min'"))
    moved = foresee(session, forum, learnt, threshold=threshold)
    score = _score(learnt)
    session.execute(
        update(Pair)
        .where(_concerned(forum, learnt))
        .values(
            score=score,
            raw_score=_raw() if learnt is not None else null(),
            calibration_id=calibration_id,
            status=case((score >= cast(threshold, REAL), _over(forum)), else_=PairStatus.WITHDRAWN),
            version=Pair.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    _tell(session, forum, calibration_id, moved, actor=actor)
    return moved


def _tell(
    session: Session, forum: ForumRow, calibration_id: int | None, moved: Moved, *, actor: str
) -> None:
    data: Mapping[str, object] = {
        "calibration_id": calibration_id,
        "shown": moved.shown,
        "hidden": moved.hidden,
    }
    event = NewEvent(forum_id=forum.id, kind="forum.calibration", actor=actor, data=data)
    record(session, [event])


def _over(forum: ForumRow) -> PairStatus:
    return PairStatus.OBSERVED if forum.observe_only else PairStatus.FLAGGED


def _concerned(forum: ForumRow, learnt: Learnt | None) -> ColumnElement[bool]:
    waiting = and_(
        Pair.forum_id == forum.id, Pair.status.in_(UNDECIDED), Pair.kind == PairKind.MODEL
    )
    if learnt is None:
        return and_(waiting, Pair.raw_score.is_not(None))
    return and_(
        waiting,
        Pair.reranker_id == learnt.reranker_id,
        Pair.bi_encoder_id == learnt.bi_encoder_id,
    )


def _raw() -> ColumnElement[float]:
    return func.coalesce(Pair.raw_score, Pair.score)


def _score(learnt: Learnt | None) -> ColumnElement[float]:
    if learnt is None:
        return _raw()
    held = func.least(func.greatest(cast(_raw(), Double), _LEAST), _MOST)
    moved = learnt.slope * func.ln(held / (1 - held)) + learnt.shift
    return cast(1 / (1 + func.exp(-func.least(func.greatest(moved, -_FAR), _FAR))), REAL)
