"""What people say about pairs: claims, decisions, skips, and the taking back of decisions.

A claim tells others and locks nothing. What keeps two people from overwriting each other is the
pair's version: a decision names the version it was made on, and any other is refused with what
happened in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from db import groups
from db.errors import ConflictError, InvalidInputError, NotFoundError, PairNotFoundError
from db.events import NewEvent, record
from db.rows import PairStatus
from db.tables.pairs import Pair
from db.tables.review import Claim, Decision, Skip

DECIDED = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)
NOTE_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person says about the pair that they saw as *version*."""

    status: PairStatus
    version: int
    canonical_id: int | None = None
    note: str | None = None
    merge: bool = False
    """Whether joining two groups is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """Where a pair stands, for those who saw it stand elsewhere."""

    pair_id: int
    version: int
    status: PairStatus
    decided_by: str | None
    decided_at: datetime | None
    canonical_id: int | None
    note: str | None
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision that was written."""

    id: int
    pair_id: int
    version: int
    status: PairStatus
    group_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """Who has a pair on stage, and until when."""

    pair_id: int
    holder: str
    expires_at: datetime


class StaleVersionError(ConflictError):
    """The pair changed since it was looked at."""

    def __init__(self, *, seen: int, current: PairState) -> None:
        who = f" by {current.decided_by}" if current.decided_by else ""
        super().__init__(
            f"pair {current.pair_id} was version {seen} when it was looked at and is version"
            f" {current.version} now: {current.status.replace('_', ' ')}{who}"
        )
        self.seen = seen
        self.current = current


class NotYoursError(ConflictError):
    """Only who decided, or an admin, can take a decision back."""


class UndoneAlreadyError(ConflictError):
    """This decision was taken back already."""


def claim(
    session: Session, forum_id: int, pair_id: int, *, holder: str, lifetime: timedelta
) -> ClaimRow:
    """Claim a pair for a while and return whose it is: *holder's*, or an earlier claimant's.

    Raises `PairNotFoundError`.
    """
    _lock_pair(session, forum_id, pair_id)
    now = func.clock_timestamp()
    session.execute(delete(Claim).where(Claim.forum_id == forum_id, Claim.expires_at < now))
    statement = postgresql.insert(Claim).values(
        pair_id=pair_id, forum_id=forum_id, holder=holder, claimed_at=now, expires_at=now + lifetime
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["pair_id"],
            set_={"expires_at": statement.excluded.expires_at},
            where=Claim.holder == holder,
        )
    )
    found = session.execute(
        select(Claim.pair_id, Claim.holder, Claim.expires_at).where(Claim.pair_id == pair_id)
    ).one()
    return ClaimRow(pair_id=found.pair_id, holder=found.holder, expires_at=found.expires_at)


def release(session: Session, forum_id: int, *, holder: str, keep: int | None = None) -> None:
    """Give back the holder's claims in a forum, but for the pair *keep*."""
    statement = delete(Claim).where(Claim.forum_id == forum_id, Claim.holder == holder)
    if keep is not None:
        statement = statement.where(Claim.pair_id != keep)
    session.execute(statement)


def active_claims(session: Session, forum_id: int) -> dict[int, str]:
    """Return who has which pair of a forum on stage now."""
    found = session.execute(
        select(Claim.pair_id, Claim.holder).where(
            Claim.forum_id == forum_id, Claim.expires_at > func.clock_timestamp()
        )
    )
    return {row.pair_id: row.holder for row in found}


def skip(session: Session, forum_id: int, pair_id: int, *, holder: str) -> None:
    """Put a pair aside for this person; raises `PairNotFoundError`."""
    _lock_pair(session, forum_id, pair_id)
    statement = postgresql.insert(Skip).values(holder=holder, pair_id=pair_id)
    session.execute(statement.on_conflict_do_nothing())
    session.execute(delete(Claim).where(Claim.pair_id == pair_id, Claim.holder == holder))


def unskip(session: Session, *, holder: str, pair_id: int | None = None) -> None:
    """Bring one pair, or all that this person put aside, back to their queue."""
    statement = delete(Skip).where(Skip.holder == holder)
    session.execute(statement if pair_id is None else statement.where(Skip.pair_id == pair_id))


def _lock_pair(session: Session, forum_id: int, pair_id: int) -> Pair:
    found = session.execute(
        select(Pair)
        .where(Pair.id == pair_id, Pair.forum_id == forum_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise PairNotFoundError(pair_id)
    return found


def _state(pair: Pair) -> PairState:
    names = {field.name for field in fields(PairState)} - {"pair_id", "status"}
    return PairState(
        pair_id=pair.id,
        status=PairStatus(pair.status),
        **{name: getattr(pair, name) for name in names},
    )


def decide(
    session: Session,
    forum_id: int,
    pair_id: int,
    verdict: Verdict,
    *,
    actor: str,
    bulk: UUID | None = None,
) -> Decided:
    """Write a person's decision, with its event and the groups that follow from it.

    Raises `PairNotFoundError`, `InvalidInputError`, `StaleVersionError`, and
    `groups.WouldMergeError` where a merge was not asked for.
    """
    groups.lock(session, forum_id)
    pair = _lock_pair(session, forum_id, pair_id)
    _check(pair, verdict)
    is_duplicate = verdict.status is PairStatus.DUPLICATE
    if is_duplicate and not verdict.merge:
        groups.refuse_merge(session, pair_id, pair.low_id, pair.high_id)
    earlier = _earlier(pair)
    canonical = verdict.canonical_id if is_duplicate else None
    change = {
        "status": verdict.status,
        "canonical_id": canonical,
        "note": (verdict.note or "").strip() or None,
    }
    version = _change_pair(session, pair, {**change, "decided_by": actor}, decided=True)
    decision_id = _write(
        session, pair, change, version=version, earlier=earlier, actor=actor, bulk=bulk
    )
    _forget_attention(session, pair_id)
    data: dict[str, object] = {"decision": verdict.status, "decision_id": decision_id}
    _tell(session, pair, "pair.decided", actor, data)
    was_duplicate = earlier["status"] == PairStatus.DUPLICATE
    if is_duplicate or was_duplicate:
        prefer = _preferred(session, pair, canonical)
        _regroup(session, pair, actor=actor, prefer=prefer)
    return _decided(session, pair, decision_id, version, verdict.status)


def _check(pair: Pair, verdict: Verdict) -> None:
    if verdict.status not in DECIDED:
        raise InvalidInputError(f"a decision is one of {', '.join(DECIDED)}")
    if verdict.canonical_id not in {None, pair.low_id, pair.high_id}:
        raise InvalidInputError("the canonical question must be one of the pair's two")
    if len(verdict.note or "") > NOTE_LENGTH:
        raise InvalidInputError(f"a note has at most {NOTE_LENGTH} characters")
    if verdict.version != pair.version:
        raise StaleVersionError(seen=verdict.version, current=_state(pair))


def _earlier(pair: Pair) -> dict[str, object]:
    return {
        "status": pair.status,
        "canonical_id": pair.canonical_id,
        "note": pair.note,
        "decided_by": pair.decided_by,
        "decided_at": pair.decided_at.isoformat() if pair.decided_at else None,
    }


def _restored(earlier: Mapping[str, object]) -> dict[str, object]:
    at = earlier["decided_at"]
    return {**earlier, "decided_at": datetime.fromisoformat(str(at)) if at else None}


def _change_pair(
    session: Session, pair: Pair, values: Mapping[str, object], *, decided: bool
) -> int:
    stamp = {"decided_at": func.clock_timestamp()} if decided else {}
    return session.execute(
        update(Pair)
        .where(Pair.id == pair.id)
        .values({**values, **stamp, "version": Pair.version + 1})
        .returning(Pair.version)
        .execution_options(synchronize_session=False)
    ).scalar_one()


def _write(
    session: Session,
    pair: Pair,
    change: Mapping[str, object],
    *,
    version: int,
    earlier: Mapping[str, object],
    actor: str,
    bulk: UUID | None = None,
    undoes: int | None = None,
) -> int:
    held = select(func.extract("epoch", func.clock_timestamp() - Claim.claimed_at)).where(
        Claim.pair_id == pair.id, Claim.holder == actor
    )
    return session.execute(
        insert(Decision)
        .values(
            forum_id=pair.forum_id,
            pair_id=pair.id,
            actor=actor,
            **change,
            version=version,
            earlier=earlier,
            score=pair.score,
            threshold=pair.threshold,
            reranker_id=pair.reranker_id,
            seconds=None if bulk or undoes else held.scalar_subquery(),
            bulk=bulk,
            undoes=undoes,
        )
        .returning(Decision.id)
    ).scalar_one()


def _forget_attention(session: Session, pair_id: int) -> None:
    session.execute(delete(Claim).where(Claim.pair_id == pair_id))
    session.execute(delete(Skip).where(Skip.pair_id == pair_id))


def _tell(session: Session, pair: Pair, kind: str, actor: str, data: Mapping[str, object]) -> None:
    event = NewEvent(forum_id=pair.forum_id, kind=kind, actor=actor, pair_id=pair.id, data=data)
    record(session, [event])


def _preferred(session: Session, pair: Pair, canonical: int | None) -> int | None:
    # Of two groups the one of the chosen question leads, with the canonical question it has.
    if canonical is None:
        return None
    leading = groups.canonical_of(session, canonical)
    return canonical if leading in {None, pair.low_id, pair.high_id} else leading


def _regroup(session: Session, pair: Pair, *, actor: str, prefer: int | None = None) -> None:
    ids = (pair.low_id, pair.high_id)
    groups.rebuild(session, pair.forum_id, ids, actor=actor, prefer=prefer)


def _decided(
    session: Session, pair: Pair, decision_id: int, version: int, status: PairStatus
) -> Decided:
    found = groups.groups_of(session, (pair.low_id, pair.high_id))
    return Decided(
        id=decision_id,
        pair_id=pair.id,
        version=version,
        status=status,
        group_id=found.get(pair.low_id) if status is PairStatus.DUPLICATE else None,
    )


def undo(
    session: Session,
    forum_id: int,
    decision_id: int,
    *,
    actor: str,
    is_admin: bool = False,
    pair_id: int | None = None,
) -> Decided:
    """Take a decision back by a decision of its own, which restores what stood before.

    With *pair_id* only a decision on that pair.
    Raises `NotFoundError`, `NotYoursError`, `UndoneAlreadyError`, or `StaleVersionError` when the
    pair has changed since.
    """
    groups.lock(session, forum_id)
    found = _get_decision(session, forum_id, decision_id, pair_id)
    if found.actor != actor and not is_admin:
        raise NotYoursError
    if found.undone or found.undoes is not None:
        raise UndoneAlreadyError
    pair = _lock_pair(session, forum_id, found.pair_id)
    if pair.version != found.version:
        raise StaleVersionError(seen=found.version, current=_state(pair))
    earlier = _earlier(pair)
    restored = _restored(found.earlier)
    version = _change_pair(session, pair, restored, decided=False)
    change = {name: restored[name] for name in ("status", "canonical_id", "note")}
    undo_id = _write(
        session, pair, change, version=version, earlier=earlier, actor=actor, undoes=decision_id
    )
    session.execute(update(Decision).where(Decision.id == decision_id).values(undone=True))
    status = PairStatus(str(restored["status"]))
    data: dict[str, object] = {"decision_id": decision_id, "status": status}
    _tell(session, pair, "pair.undone", actor, data)
    if PairStatus.DUPLICATE in {earlier["status"], status}:
        _regroup(session, pair, actor=actor)
    return _decided(session, pair, undo_id, version, status)


def _get_decision(
    session: Session, forum_id: int, decision_id: int, pair_id: int | None
) -> Decision:
    found = session.execute(
        select(Decision)
        .where(Decision.id == decision_id, Decision.forum_id == forum_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None or pair_id not in {None, found.pair_id}:
        raise NotFoundError(f"there is no decision {decision_id} on this pair")
    return found


def get_last_decision(session: Session, forum_id: int, pair_id: int) -> int:
    """Return the latest decision on a pair that still stands; raises `NotFoundError`."""
    found = find_last_decision(session, forum_id, pair_id)
    if found is None:
        raise NotFoundError(f"there is no decision on pair {pair_id} to take back")
    return found


def find_last_decision(session: Session, forum_id: int, pair_id: int) -> int | None:
    """Return the latest decision on a pair that still stands, if any."""
    return session.execute(
        select(Decision.id)
        .where(
            Decision.forum_id == forum_id,
            Decision.pair_id == pair_id,
            Decision.undoes.is_(None),
            Decision.undone.is_(False),
        )
        .order_by(Decision.id.desc())
        .limit(1)
    ).scalar_one_or_none()
