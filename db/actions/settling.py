"""What is to be done about each question, from its group, its pairs and the forum's rung.

Triggers note questions about which something changed (migration 0015). Settling compares, for each
of them, what the forum should show with what it shows or has been sent, and writes the difference
as actions. Doing it twice changes nothing. A canonical question is never closed, two questions are
never closed for each other, and every link leads to an open question.
"""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from db.actions import actions, vetoes
from db.actions.actions import due
from db.actions.rows import ActionState, Kind
from db.actions.vetoes import Source, VetoRow
from db.groups import groups
from db.outbox.events import NewEvent, record
from db.rows import SERVICE, Rung
from db.tables.actions import Action, Unsettled
from db.tenants import forums
from db.tenants.rows import ForumRow

AT_ONCE = 1_000
"""Questions that are settled in one transaction."""
_DEEPEST = 20
_TOLD_AT_ONCE = 500
_MARKS = {Rung.LABEL: Kind.LABEL, Rung.SUGGEST: Kind.NOTE}


class Target(NamedTuple):
    """What the forum shows about a question; None if nothing."""

    kind: Kind
    canonical_id: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    target: Target | None
    pair_id: int | None = None
    is_alone: bool = False
    """Whether no person has decided so: then the action waits for the time of grace."""


def settle(session: Session, forum_id: int) -> int:
    """Write the actions that follow from what has changed, and return how many questions that were.

    At most `AT_ONCE` questions: it locks the forum's groups, and waits for transactions that change
    them.
    """
    groups.lock(session, forum_id)
    ids = _take(session, forum_id)
    if ids:
        forum = forums.find_forums(session, {forum_id})[forum_id]
        wanted = _wanted(session, forum, ids)
        lines = _lines(session, ids)
        moved = [
            one for one in ids if _follow(session, forum, one, wanted[one], lines.get(one, ()))
        ]
        if forum.rung in _MARKS and moved:
            actions.note_unsettled(session, forum_id, _beside(session, moved, set(ids)))
    tell_due(session, forum_id)
    return len(ids)


def forums_to_settle(session: Session) -> list[int]:
    """Return the forums in which something is not settled, or has become due."""
    unsettled = select(Unsettled.forum_id).distinct()
    untold = select(Action.forum_id).where(_is_untold(), due()).distinct()
    return sorted(session.execute(unsettled.union(untold)).scalars())


def _take(session: Session, forum_id: int) -> list[int]:
    some = (
        select(Unsettled.question_id).where(Unsettled.forum_id == forum_id).limit(AT_ONCE)
    ).scalar_subquery()
    gone = delete(Unsettled).where(Unsettled.question_id.in_(some)).returning(Unsettled.question_id)
    return sorted(session.execute(gone).scalars())


def _wanted(session: Session, forum: ForumRow, ids: Sequence[int]) -> Mapping[int, _Wanted]:
    nothing = dict.fromkeys(ids, _Wanted(None))
    if forum.observe_only or forum.rung is Rung.LOG:
        return nothing
    left_alone = vetoes.find(session, ids)
    if forum.rung in _MARKS:
        return nothing | _marked(session, forum, ids, left_alone)
    return nothing | _closed(session, ids, left_alone)


_CONFIRMED = text("""
    SELECT m.question_id, g.canonical_id, said.person_at, said.is_service, said.pair_id
    FROM group_members AS m
    JOIN groups AS g ON g.id = m.group_id AND g.canonical_id <> m.question_id
    JOIN questions AS canonical ON canonical.id = g.canonical_id AND canonical.visible
    CROSS JOIN LATERAL (
        SELECT max(p.decided_at) FILTER (WHERE p.decided_by NOT IN ('archive', :service))
                AS person_at,
            bool_or(p.decided_by = :service) AS is_service,
            (array_agg(p.id ORDER BY (g.canonical_id IN (p.low_id, p.high_id)) DESC, p.id))[1]
                AS pair_id
        FROM pairs AS p
        WHERE (p.low_id = m.question_id OR p.high_id = m.question_id)
            AND p.status = 'duplicate' AND p.decided_by IS DISTINCT FROM 'archive'
    ) AS said
    WHERE m.question_id = ANY (:ids)
""")


def _closed(
    session: Session, ids: Sequence[int], left_alone: Mapping[int, VetoRow]
) -> dict[int, _Wanted]:
    found = session.execute(_CONFIRMED, {"ids": list(ids), "service": SERVICE})
    wanted = {}
    for row in found:
        veto = left_alone.get(row.question_id)
        by_person = row.person_at is not None and _counts(row.person_at, veto)
        if by_person or (row.is_service and veto is None):
            target = Target(Kind.CLOSE, row.canonical_id)
            wanted[row.question_id] = _Wanted(target, row.pair_id, is_alone=not by_person)
    return wanted


def _counts(said_at: datetime, veto: VetoRow | None) -> bool:
    """Return whether a person's decision counts despite a veto: it does if it was made later.

    An edit does not end a person's decision.
    """
    return veto is None or veto.source is Source.EDIT or said_at > veto.created_at


_EARLIER = text("""
    SELECT DISTINCT ON (own.id) own.id, other.id AS earlier, p.id AS pair_id
    FROM questions AS own
    JOIN pairs AS p ON (p.low_id = own.id OR p.high_id = own.id)
        AND p.status IN ('flagged', 'duplicate') AND p.decided_by IS DISTINCT FROM 'archive'
    JOIN questions AS other
        ON other.id = CASE WHEN p.low_id = own.id THEN p.high_id ELSE p.low_id END
    WHERE own.id = ANY (:ids) AND other.visible
        AND (coalesce(other.asked_at, other.created_at), other.id)
            < (coalesce(own.asked_at, own.created_at), own.id)
    ORDER BY own.id, p.score DESC, p.id
""")


def _marked(
    session: Session, forum: ForumRow, ids: Sequence[int], left_alone: Mapping[int, VetoRow]
) -> dict[int, _Wanted]:
    known: dict[int, tuple[int, int]] = {}
    ends = set(ids)
    for _ in range(_DEEPEST):  # the earlier question may have an earlier one too
        found = session.execute(_EARLIER, {"ids": sorted(ends)})
        new = {row.id: (row.earlier, row.pair_id) for row in found}
        known |= new
        ends = {earlier for earlier, _ in new.values()} - set(known)
        if not ends:
            break
    kind = _MARKS[forum.rung]
    return {
        one: _Wanted(Target(kind, _first(one, known)), known[one][1], is_alone=True)
        for one in ids
        if one in known and one not in left_alone
    }


def _first(one: int, known: Mapping[int, tuple[int, int]]) -> int:
    while one in known:
        one = known[one][0]
    return one


def _beside(session: Session, ids: Sequence[int], settled: set[int]) -> list[int]:
    """Return the other questions in pairs with these: their links may lead elsewhere now."""
    found = session.execute(
        text(
            "SELECT unnest(ARRAY[low_id, high_id]) AS id FROM pairs"
            " WHERE (low_id = ANY (:ids) OR high_id = ANY (:ids))"
            " AND status IN ('flagged', 'duplicate')"
        ),
        {"ids": list(ids)},
    )
    return sorted(set(found.scalars()) - settled)


class _Line(NamedTuple):
    id: int
    kind: str
    state: str
    canonical_id: int | None
    applied_at: datetime | None

    @property
    def target(self) -> Target | None:
        if self.kind == Kind.REOPEN or self.canonical_id is None:
            return None
        return Target(Kind(self.kind), self.canonical_id)


def _lines(session: Session, ids: Sequence[int]) -> Mapping[int, Sequence[_Line]]:
    """Return the actions on each question, the oldest first."""
    names = ("id", "kind", "state", "canonical_id", "applied_at")
    found = session.execute(
        select(Action.question_id, *(getattr(Action, name) for name in names))
        .where(Action.question_id.in_(ids))
        .order_by(Action.id)
        .with_for_update()
    )
    lines: dict[int, list[_Line]] = defaultdict(list)
    for question_id, *rest in found:
        lines[question_id].append(_Line(*rest))
    return lines


def _follow(
    session: Session, forum: ForumRow, question_id: int, wanted: _Wanted, lines: Sequence[_Line]
) -> bool:
    """Write the actions after which the forum shows *wanted*; return whether any was missing."""
    last = lines[-1] if lines else None
    undone = last is not None and last.state in {ActionState.OPEN, ActionState.FAILED}
    if undone and last is not None and last.target == wanted.target:
        return False  # on its way, or failed: then people look at it
    if undone and last is not None:
        _drop(session, last, question_id)
    if _may_change(forum, _standing(lines), wanted.target):
        _write(session, forum, question_id, wanted)
        return True
    return undone


def _may_change(forum: ForumRow, standing: Target | None, wanted: Target | None) -> bool:
    """Return whether *wanted* replaces what the forum shows; a new rung alone does not."""
    if forum.observe_only or forum.rung is Rung.LOG or standing == wanted:
        return False
    return wanted is None or standing is None or wanted.kind is standing.kind


def _standing(lines: Sequence[_Line]) -> Target | None:
    """Return what the forum last confirmed to have done, unless its people have undone it."""
    done = [(line.applied_at, line.id, line) for line in lines if line.applied_at is not None]
    if not done:
        return None
    last = max(done)[2]
    return last.target if last.state == ActionState.APPLIED else None


def _drop(session: Session, line: _Line, question_id: int) -> None:
    vetoed = vetoes.find(session, [question_id])
    state = ActionState.VETOED if vetoed and line.target is not None else ActionState.REVERTED
    session.execute(
        update(Action)
        .where(Action.id == line.id)
        .values(
            state=state,
            reason="taken back before it was carried out",
            updated_at=func.clock_timestamp(),
        )
        .execution_options(synchronize_session=False)
    )


def _write(session: Session, forum: ForumRow, question_id: int, wanted: _Wanted) -> None:
    target = wanted.target
    waits = wanted.is_alone and target is not None and target.kind is Kind.CLOSE
    grace = timedelta(hours=forum.grace_h if waits else 0)
    values = {
        "forum_id": forum.id,
        "question_id": question_id,
        "canonical_id": target.canonical_id if target is not None else None,
        "pair_id": wanted.pair_id,
        "kind": target.kind if target is not None else Kind.REOPEN,
        "token": secrets.token_urlsafe(18),
        "due_at": func.clock_timestamp() + grace,
    }
    session.execute(insert(Action).values(values))


def _is_untold() -> ColumnElement[bool]:
    return and_(Action.state == ActionState.OPEN, Action.told_at.is_(None))


def tell_due(session: Session, forum_id: int) -> int:
    """Record an event for each action that has become due, and return how many."""
    some = (
        select(Action.id)
        .where(_is_untold(), Action.forum_id == forum_id, due())
        .order_by(Action.id)
        .limit(_TOLD_AT_ONCE)
        .scalar_subquery()
    )
    told = session.execute(
        update(Action)
        .where(Action.id.in_(some))
        .values(told_at=func.clock_timestamp())
        .returning(Action.id, Action.question_id)
        .execution_options(synchronize_session=False)
    ).all()
    events = [
        NewEvent(
            forum_id=forum_id,
            kind="action.due",
            actor=SERVICE,
            question_id=row.question_id,
            data={"action_id": row.id},
        )
        for row in sorted(told)
    ]
    record(session, events)
    return len(events)
