"""Putting a forum's threshold into force on its undecided pairs."""

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, cast, func, select, update
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Session

from db.outbox.events import NewEvent, record
from db.rows import PairKind, PairStatus
from db.tables.pairs import Event, Pair
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors import models
from db.vectors.rows import ModelKind

_WAITING = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.WITHDRAWN)
_FALLBACK = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How many pairs a change of threshold flagged or hid."""

    shown: int
    hidden: int


def own(session: Session) -> float:
    """Return the active models' own threshold, for forums where nobody has chosen another."""
    reranker = models.find_active(session, ModelKind.RERANKER)
    bi_encoder = models.find_active(session, ModelKind.BI_ENCODER)
    if reranker is None:
        return _FALLBACK
    digest = None if bi_encoder is None else bi_encoder.digest
    found = reranker.number("threshold", bi_encoder=digest)
    return _FALLBACK if found is None else found


def in_force(session: Session, forum: ForumRow) -> float:
    """Return the threshold that is in force in *forum*."""
    if forum.threshold is not None:
        return forum.threshold
    return own(session)


def chosen_by(session: Session, forum: ForumRow) -> str | None:
    """Return who chose the forum's own threshold, None if it has none.

    A threshold without an event was set by an operator.
    """
    if forum.threshold is None:
        return None
    latest = session.execute(
        select(Event.actor, Event.data)
        .where(Event.forum_id == forum.id, Event.kind == "forum.threshold")
        .order_by(Event.id.desc())
        .limit(1)
    ).first()
    told = None if latest is None else latest.data.get("threshold")
    if latest is None or told is None or not math.isclose(told, forum.threshold, rel_tol=1e-6):
        return "an operator"
    return str(latest.actor)


def apply(
    session: Session,
    forum: ForumRow,
    threshold: float,
    *,
    chosen: float | None,
    observe_only: bool,
    actor: str,
) -> Applied:
    """Save *chosen* as the forum's own threshold, and flag or hide undecided pairs by *threshold*.

    Decisions stay. Pairs of the same text stay flagged at any threshold.
    """
    forums.update_forum(session, forum.name, threshold=chosen, observe_only=observe_only)
    over = PairStatus.OBSERVED if observe_only else PairStatus.FLAGGED
    is_over = Pair.score >= cast(threshold, REAL)
    shown = _move(session, forum.id, is_over, over)
    hidden = _move(session, forum.id, ~is_over, PairStatus.WITHDRAWN)
    data = {
        "threshold": chosen,
        "observe_only": observe_only,
        "shown": shown,
        "hidden": hidden,
    }
    event = NewEvent(forum_id=forum.id, kind="forum.threshold", actor=actor, data=data)
    record(session, [event])
    return Applied(shown=shown, hidden=hidden)


def _move(session: Session, forum_id: int, matches: ColumnElement[bool], status: PairStatus) -> int:
    statement = (
        update(Pair)
        .where(
            Pair.forum_id == forum_id,
            Pair.status.in_(_WAITING),
            Pair.status != status,
            Pair.kind.not_in((PairKind.KNOWN, PairKind.JOINED)),
            matches,
        )
        .values(status=status, version=Pair.version + 1)
        .returning(Pair.id)
        .execution_options(synchronize_session=False)
        .cte("moved")
    )
    return session.execute(select(func.count()).select_from(statement)).scalar_one()
