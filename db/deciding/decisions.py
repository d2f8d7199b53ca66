"""Decisions of people on pairs, and undoing them.

The pair's version keeps two people from overwriting each other: a decision names the version it was
made on. If the pair has another version by then, the decision is refused and shows what happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from db.deciding import opinions
from db.errors import ConflictError, InvalidInputError, NotFoundError, PairNotFoundError
from db.groups import groups, regrouping
from db.outbox.events import NewEvent, record
from db.pairs import outdated
from db.rows import SERVICE, UNDECIDED, PairStatus
from db.tables.pairs import Pair
from db.tables.review import Claim, Decision, Skip
from db.wording import STATUS_WORDS

DECIDED = (PairStatus.DUPLICATE, PairStatus.NOT_DUPLICATE, PairStatus.RELATED)
NOTE_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A person's decision on the *version* of a pair that they saw."""

    status: PairStatus
    version: int
    canonical_id: int | None = None
    note: str | None = None
    merge: bool = False
    """Whether joining two groups is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """The present state of a pair, for a person who saw an earlier one."""

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
    """A saved decision."""

    id: int
    pair_id: int
    version: int
    status: PairStatus
    group_id: int | None


class StaleVersionError(ConflictError):
    """The pair has changed since you saw it."""

    def __init__(self, *, seen: int, current: PairState) -> None:
        who = f" by {current.decided_by}" if current.decided_by else ""
        super().__init__(
            f"pair {current.pair_id} has changed: you saw version {seen}, now it is version"
            f" {current.version}: {STATUS_WORDS[current.status]}{who}"
        )
        self.seen = seen
        self.current = current


class NotYoursError(ConflictError):
    """Only the person who decided, or an admin, can undo a decision."""


class UndoneAlreadyError(ConflictError):
    """This decision was undone already."""


def _lock_pair(session: Session, forum_id: int, pair_id: int) -> Pair:
    return lock_pairs(session, forum_id, [pair_id])[0]


def lock_pairs(session: Session, forum_id: int, pair_ids: Iterable[int]) -> list[Pair]:
    """Return pairs by id, locked until this transaction ends.

    Raises `PairNotFoundError`.
    """
    ids = set(pair_ids)
    found = session.execute(
        select(Pair)
        .where(Pair.id.in_(ids), Pair.forum_id == forum_id)
        .order_by(Pair.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    pairs = list(found.scalars())
    if missing := ids - {pair.id for pair in pairs}:
        raise PairNotFoundError(min(missing))
    return pairs


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
    """Save a person's decision with its event, and update the groups.

    Raises `PairNotFoundError`, `InvalidInputError`, `StaleVersionError`, and
    `groups.WouldMergeError` if it would join groups and this was not asked for.
    """
    groups.lock(session, forum_id)
    pair = _lock_pair(session, forum_id, pair_id)
    _check(pair, verdict)
    is_duplicate = verdict.status is PairStatus.DUPLICATE
    found = groups.groups_of(session, (pair.low_id, pair.high_id)) if is_duplicate else {}
    if len(set(found.values())) > 1 and not verdict.merge:
        groups.refuse_merge(session, pair_id, found[pair.low_id], found[pair.high_id])
    chosen = verdict.canonical_id if is_duplicate else None
    was_duplicate = pair.status == PairStatus.DUPLICATE
    choice = Choice(pair, verdict.status, canonical_id=chosen, note=verdict.note)
    done = write(session, forum_id, [choice], actor=actor, bulk=bulk)[0]
    opinions.ask(session, forum_id, [done])
    if is_duplicate:
        edge = (pair.low_id, pair.high_id)
        group_id = regrouping.confirm(
            session, forum_id, edge, grouped=found, chosen=chosen, actor=actor
        )
        return replace(done, group_id=group_id)
    if was_duplicate:
        _regroup(session, pair, actor=actor)
    return done


@dataclass(frozen=True, slots=True)
class Choice:
    """What is saved for a pair that this transaction has locked."""

    pair: Pair
    status: PairStatus
    canonical_id: int | None = None
    note: str | None = None

    def values(self) -> dict[str, object]:
        """Return the pair's new columns."""
        note = (self.note or "").strip() or None
        return {"status": self.status, "canonical_id": self.canonical_id, "note": note}


def write(
    session: Session,
    forum_id: int,
    choices: Sequence[Choice],
    *,
    actor: str,
    bulk: UUID | None = None,
) -> list[Decided]:
    """Save decisions with their events; the caller updates the groups.

    A hundred pairs take as many statements as one. Needs `groups.lock` and the pairs' locks.
    """
    if not choices:
        return []
    changed = [(choice, _earlier(choice.pair), choice.pair.version + 1) for choice in choices]
    _change_pairs(session, choices, actor=actor)
    ids = _insert(
        session,
        [
            _decision(choice.pair, choice.values(), version=version, earlier=earlier, actor=actor)
            | {"seconds": None if bulk else _seconds(choice.pair.id, actor), "bulk": bulk}
            for choice, earlier, version in changed
        ],
    )
    _forget_attention(session, list(ids))
    record(
        session,
        [
            NewEvent(
                forum_id=forum_id,
                kind="pair.decided",
                actor=actor,
                pair_id=choice.pair.id,
                data={"decision": choice.status, "decision_id": ids[choice.pair.id]},
            )
            for choice in choices
        ],
    )
    return [
        Decided(
            id=ids[choice.pair.id],
            pair_id=choice.pair.id,
            version=version,
            status=choice.status,
            group_id=None,
        )
        for choice, _, version in changed
    ]


def _change_pairs(session: Session, choices: Sequence[Choice], *, actor: str) -> None:
    alike: dict[tuple[object, ...], list[Choice]] = {}
    for choice in choices:
        alike.setdefault(tuple(choice.values().values()), []).append(choice)
    stamp = {"decided_by": actor, "decided_at": func.clock_timestamp()}
    for same in alike.values():
        session.execute(
            update(Pair)
            .where(Pair.id.in_([choice.pair.id for choice in same]))
            .values({**same[0].values(), **stamp, "version": Pair.version + 1})
            .execution_options(synchronize_session=False)
        )


def _insert(session: Session, rows: list[dict[str, object]]) -> dict[int, int]:
    statement = insert(Decision).values(rows).returning(Decision.pair_id, Decision.id)
    return {row.pair_id: row.id for row in session.execute(statement)}


def _decision(
    pair: Pair,
    change: Mapping[str, object],
    *,
    version: int,
    earlier: Mapping[str, object],
    actor: str,
) -> dict[str, object]:
    return {
        "forum_id": pair.forum_id,
        "pair_id": pair.id,
        "actor": actor,
        **change,
        "version": version,
        "earlier": earlier,
        "score": pair.score,
        "threshold": pair.threshold,
        "reranker_id": pair.reranker_id,
    }


def _seconds(pair_id: int, actor: str) -> object:
    held = func.extract("epoch", func.clock_timestamp() - Claim.claimed_at)
    return select(held).where(Claim.pair_id == pair_id, Claim.holder == actor).scalar_subquery()


def _check(pair: Pair, verdict: Verdict) -> None:
    if verdict.status not in DECIDED:
        raise InvalidInputError(f"a decision is one of {', '.join(DECIDED)}")
    if verdict.canonical_id not in {None, pair.low_id, pair.high_id}:
        raise InvalidInputError("the canonical question must be one of the pair's two")
    if len(verdict.note or "") > NOTE_LENGTH:
        raise InvalidInputError(f"a note has at most {NOTE_LENGTH} characters")
    refuse_stale(pair, verdict.version)


def refuse_stale(pair: Pair, seen: int) -> None:
    """Raise `StaleVersionError` unless the pair has the version that was *seen*."""
    if pair.version != seen:
        raise StaleVersionError(seen=seen, current=_state(pair))


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


def _forget_attention(session: Session, pair_ids: Sequence[int]) -> None:
    claims = delete(Claim).where(Claim.pair_id.in_(pair_ids)).returning(Claim.pair_id).cte("claims")
    session.execute(delete(Skip).where(Skip.pair_id.in_(pair_ids)).add_cte(claims))


def _regroup(session: Session, pair: Pair, *, actor: str) -> None:
    groups.rebuild(session, pair.forum_id, (pair.low_id, pair.high_id), actor=actor)


def undo(
    session: Session,
    forum_id: int,
    decision_id: int,
    *,
    actor: str,
    is_admin: bool = False,
    pair_id: int | None = None,
) -> Decided:
    """Undo a decision by a new decision, which restores the state before it.

    With *pair_id* it must be a decision on that pair.
    Raises `NotFoundError`, `NotYoursError`, `UndoneAlreadyError`, or `StaleVersionError` when the
    pair has changed since.
    """
    groups.lock(session, forum_id)
    found = _get_decision(session, forum_id, decision_id, pair_id)
    if found.actor not in {actor, SERVICE} and not is_admin:
        raise NotYoursError
    if found.undone or found.undoes is not None:
        raise UndoneAlreadyError
    restored = _restored(found.earlier)
    if restored["status"] in UNDECIDED:
        outdated.owe_where_edited(session, forum_id, found.pair_id)
    pair = _lock_pair(session, forum_id, found.pair_id)
    refuse_stale(pair, found.version)
    earlier, version = _earlier(pair), pair.version + 1
    session.execute(
        update(Pair)
        .where(Pair.id == pair.id)
        .values({**restored, "version": version})
        .execution_options(synchronize_session=False)
    )
    change = {name: restored[name] for name in ("status", "canonical_id", "note")}
    row = _decision(pair, change, version=version, earlier=earlier, actor=actor)
    undo_id = _insert(session, [row | {"undoes": decision_id}])[pair.id]
    session.execute(update(Decision).where(Decision.id == decision_id).values(undone=True))
    status = PairStatus(str(restored["status"]))
    data: dict[str, object] = {"decision_id": decision_id, "status": status}
    event = NewEvent(forum_id=forum_id, kind="pair.undone", actor=actor, pair_id=pair.id, data=data)
    record(session, [event])
    if PairStatus.DUPLICATE in {earlier["status"], status}:
        _regroup(session, pair, actor=actor)
    is_duplicate = status is PairStatus.DUPLICATE
    grouped = groups.groups_of(session, [pair.low_id]) if is_duplicate else {}
    return Decided(
        id=undo_id,
        pair_id=pair.id,
        version=version,
        status=status,
        group_id=grouped.get(pair.low_id),
    )


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
    """Return the latest decision on a pair that was not undone; raises `NotFoundError`."""
    found = find_last_decision(session, forum_id, pair_id)
    if found is None:
        raise NotFoundError(f"there is no decision on pair {pair_id} to undo")
    return found


def find_last_decision(session: Session, forum_id: int, pair_id: int) -> int | None:
    """Return the latest decision on a pair that was not undone, if any."""
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
