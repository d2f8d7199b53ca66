"""Second opinions: some decided pairs are shown to another person, without the first decision.

An answer changes nothing by itself. If the two differ, both are shown to the two people and to the
admins, until somebody decides again or keeps the first decision.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db.errors import ConflictError, InvalidInputError, NotFoundError
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Forum, Question
from db.tables.review import Decision, SecondOpinion, Skip

MOST = 0.2
"""The largest share that a forum can choose: new pairs are more important."""
ANSWERS = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)


class AnsweredAlreadyError(ConflictError):
    """This second opinion is not needed any more: it was given, or the pair has changed."""


class OwnDecisionError(ConflictError):
    """You made the first decision: another person must give the second opinion."""


class Written(Protocol):
    """A decision that was just saved."""

    @property
    def id(self) -> int:
        """Of the decision."""

    @property
    def pair_id(self) -> int:
        """Of its pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opinion:
    """A second opinion, by its own id."""

    id: int
    pair_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(_Opinion):
    """A second opinion that was not given yet."""

    title: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing(_Opinion):
    """Two different decisions of two people on the same pair."""

    titles: tuple[str, str]
    first_by: str
    """Who made the first decision, which counts."""
    first: PairStatus
    first_note: str | None
    second_by: str
    second: PairStatus
    second_note: str | None
    answered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of second opinions so far."""

    share: float
    agreed: int
    answered: int
    waiting: int


def place(pair_id: int) -> float:
    """Return a pair's fixed number, 0 or more and below 1, which decides whether it is chosen."""
    digest = hashlib.blake2b(pair_id.to_bytes(8, "big"), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def ask(
    session: Session, forum_id: int, decided: Sequence[Written], *, is_bulk: bool = False
) -> None:
    """Ask for second opinions on the decisions whose pair's `place` is below the forum's share.

    Of a bulk decision it is never more than the share of its pairs.
    """
    drawn = sorted((place(one.pair_id), one.pair_id, one.id) for one in decided)
    drawn = [one for one in drawn if one[0] < MOST]
    if not drawn:
        return
    share = get_share(session, forum_id)
    most = int(share * len(decided)) if is_bulk else len(drawn)
    rows = [
        {"forum_id": forum_id, "pair_id": pair_id, "decision_id": decision_id}
        for lot, pair_id, decision_id in drawn[:most]
        if lot < share
    ]
    if rows:
        session.execute(insert(SecondOpinion).values(rows))


def get_share(session: Session, forum_id: int) -> float:
    """Return the share of the decisions for which a second opinion is asked."""
    statement = select(Forum.second_opinions).where(Forum.id == forum_id)
    return session.execute(statement).scalar_one()


def set_share(session: Session, forum_id: int, share: float) -> None:
    """Set the share for future decisions; raises `InvalidInputError`."""
    if not 0 <= share <= MOST:
        raise InvalidInputError(f"the share of second opinions must be 0 to {MOST * 100:.0f} %")
    session.execute(update(Forum).where(Forum.id == forum_id).values(second_opinions=share))


def _stands() -> ColumnElement[bool]:
    # Whatever has happened to the pair since then, the first decision is no longer in question.
    return and_(
        Decision.id == SecondOpinion.decision_id,
        Decision.undone.is_(False),
        Pair.id == SecondOpinion.pair_id,
        Pair.version == Decision.version,
    )


def list_asked(
    session: Session, forum_id: int, holder: str, *, after: int = 0, limit: int = 2
) -> list[Asked]:
    """Return the second opinions that this person can give, the oldest first."""
    low, high = aliased(Question), aliased(Question)
    aside = select(Skip.pair_id).where(Skip.holder == holder)
    found = session.execute(
        select(SecondOpinion.id, SecondOpinion.pair_id, high.title, Pair.score)
        .join(Decision, Decision.id == SecondOpinion.decision_id)
        .join(Pair, _stands())
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .where(
            SecondOpinion.forum_id == forum_id,
            SecondOpinion.actor.is_(None),
            SecondOpinion.id > after,
            Decision.actor != holder,
            SecondOpinion.pair_id.not_in(aside),
            low.visible,
            high.visible,
        )
        .order_by(SecondOpinion.id)
        .limit(limit)
    )
    return [Asked(**row) for row in found.mappings()]


def get_asked(session: Session, forum_id: int, opinion_id: int, *, holder: str) -> int:
    """Return the pair of a second opinion that was not given yet.

    Raises `NotFoundError`, `OwnDecisionError` and `AnsweredAlreadyError`.
    """
    found = session.execute(
        select(SecondOpinion.pair_id, SecondOpinion.actor, Decision.actor.label("first_by"))
        .join(Decision, Decision.id == SecondOpinion.decision_id)
        .where(SecondOpinion.id == opinion_id, SecondOpinion.forum_id == forum_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no second opinion {opinion_id} to give in this forum")
    if found.first_by == holder:
        raise OwnDecisionError
    is_open = select(SecondOpinion.id).join(Decision, Decision.id == SecondOpinion.decision_id)
    is_open = is_open.join(Pair, _stands()).where(SecondOpinion.id == opinion_id)
    if found.actor is not None or session.execute(is_open).first() is None:
        raise AnsweredAlreadyError
    pair_id: int = found.pair_id
    return pair_id


def answer(
    session: Session,
    forum_id: int,
    opinion_id: int,
    status: PairStatus,
    *,
    actor: str,
    note: str | None = None,
) -> bool:
    """Save a second opinion and return whether it agrees with the first; the pair does not change.

    Raises `NotFoundError`, `InvalidInputError`, `OwnDecisionError` and `AnsweredAlreadyError`.
    """
    if status not in ANSWERS:
        raise InvalidInputError(f"a second opinion is one of {', '.join(ANSWERS)}")
    get_asked(session, forum_id, opinion_id, holder=actor)
    first = select(Decision.status).where(Decision.id == SecondOpinion.decision_id)
    written = session.execute(
        update(SecondOpinion)
        .where(SecondOpinion.id == opinion_id, SecondOpinion.actor.is_(None))
        .values(
            actor=actor,
            status=status,
            note=(note or "").strip() or None,
            agrees=first.scalar_subquery() == status,
            answered_at=func.clock_timestamp(),
        )
        .returning(SecondOpinion.agrees)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if written is None:
        raise AnsweredAlreadyError
    return written


def take_back(session: Session, forum_id: int, opinion_id: int, *, actor: str) -> None:
    """Undo a second opinion, so that it can be given again; raises `NotFoundError`."""
    changed = session.execute(
        update(SecondOpinion)
        .where(
            SecondOpinion.id == opinion_id,
            SecondOpinion.forum_id == forum_id,
            SecondOpinion.actor == actor,
            SecondOpinion.settled_at.is_(None),
        )
        .values(actor=None, status=None, note=None, agrees=None, answered_at=None)
        .returning(SecondOpinion.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise NotFoundError(f"there is no second opinion {opinion_id} of yours to undo")


def _differs(forum_id: int, *, actor: str, is_admin: bool) -> ColumnElement[bool]:
    """Return the condition that a second opinion differs and this person can settle it."""
    first_by = select(Decision.actor).where(Decision.id == SecondOpinion.decision_id)
    first = first_by.correlate(SecondOpinion).scalar_subquery()  # also where `Decision` is joined
    own = or_(SecondOpinion.actor == actor, first == actor)
    return and_(
        SecondOpinion.forum_id == forum_id,
        SecondOpinion.agrees.is_(False),
        SecondOpinion.settled_at.is_(None),
        true() if is_admin else own,
    )


def _differing(
    forum_id: int,
    *columns: ColumnElement[Any] | InstrumentedAttribute[Any],
    actor: str,
    is_admin: bool,
) -> Select[Any]:
    """Return the query for these columns of the differences that this person can settle."""
    return (
        select(*columns)
        .select_from(SecondOpinion)
        .join(Decision, Decision.id == SecondOpinion.decision_id)
        .join(Pair, _stands())
        .where(_differs(forum_id, actor=actor, is_admin=is_admin))
    )


def list_differing(
    session: Session, forum_id: int, *, actor: str, is_admin: bool, limit: int = 50
) -> list[Differing]:
    """Return the differences that this person can settle, the latest first."""
    low, high = aliased(Question), aliased(Question)
    wanted = (
        _differing(
            forum_id,
            SecondOpinion.id,
            SecondOpinion.pair_id,
            low.title.label("low"),
            high.title.label("high"),
            Decision.actor.label("first_by"),
            Decision.status.label("first"),
            Decision.note.label("first_note"),
            SecondOpinion.actor.label("second_by"),
            SecondOpinion.status.label("second"),
            SecondOpinion.note.label("second_note"),
            SecondOpinion.answered_at,
            actor=actor,
            is_admin=is_admin,
        )
        .join(low, low.id == Pair.low_id)
        .join(high, high.id == Pair.high_id)
        .order_by(SecondOpinion.id.desc())
        .limit(limit)
    )
    return [_row(dict(row)) for row in session.execute(wanted).mappings()]


def _row(row: dict[str, Any]) -> Differing:
    titles = (row.pop("low"), row.pop("high"))
    row["first"], row["second"] = PairStatus(row["first"]), PairStatus(row["second"])
    return Differing(**row, titles=titles)


def count_differing(session: Session, forum_id: int, *, actor: str, is_admin: bool) -> int:
    """Return how many differences this person can settle."""
    counted = _differing(forum_id, func.count(), actor=actor, is_admin=is_admin)
    return int(session.execute(counted).scalar_one())


def settle(session: Session, forum_id: int, opinion_id: int, *, actor: str, is_admin: bool) -> None:
    """Keep the first decision; raises `NotFoundError`."""
    changed = session.execute(
        update(SecondOpinion)
        .where(
            SecondOpinion.id == opinion_id,
            _differs(forum_id, actor=actor, is_admin=is_admin),
        )
        .values(settled_by=actor, settled_at=func.clock_timestamp())
        .returning(SecondOpinion.id)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise NotFoundError(f"difference {opinion_id} is settled already, or not yours to settle")


def tally(session: Session, forum_id: int) -> Tally:
    """Return the counts of second opinions so far."""
    found = session.execute(
        select(
            func.count().filter(SecondOpinion.agrees.is_(True)).label("agreed"),
            func.count().filter(SecondOpinion.actor.is_not(None)).label("answered"),
            func.count().filter(SecondOpinion.actor.is_(None), _stands()).label("waiting"),
        )
        .join(Decision, Decision.id == SecondOpinion.decision_id)
        .join(Pair, Pair.id == SecondOpinion.pair_id)
        .where(SecondOpinion.forum_id == forum_id)
    ).one()
    return Tally(
        share=get_share(session, forum_id),
        agreed=found.agreed,
        answered=found.answered,
        waiting=found.waiting,
    )
