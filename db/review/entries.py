"""Entries of the queue: flagged pairs that connect are shown and decided together.

When a pair is flagged, the database gives it the entry number of a flagged pair beside it (see
migration 0004). The number says which pairs may belong together. Which do is computed here from the
pairs that are still flagged, for the few entries of a page. So decisions, withdrawals and new
groups need not update any number, and pairs that do not connect are never shown as one entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from db.groups import groups
from db.groups.components import components
from db.review.queue import QueueFilter, QueueItem, Sort, conditions, list_queue
from db.rows import PairEnds, PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Group, GroupMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the queue: its first pair in the order of the list, and all its pairs."""

    first: QueueItem
    pair_ids: Sequence[int]
    questions: int
    """How many questions there are to compare; a confirmed group counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entries of the queue, and the pair after which the next page begins."""

    entries: Sequence[Entry]
    after: int | None
    """None if there is no further page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryQuestion:
    """A question of an entry."""

    id: int
    title: str
    body: str
    url: str | None
    category: str | None
    author: str | None
    asked_at: datetime
    """When it was sent, if the forum did not say when it was asked."""
    visible: bool
    facts: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPair(PairEnds):
    """A flagged pair of an entry."""

    version: int
    """Grows with each change; a decision on an older version is refused."""
    kind: PairKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of an entry: a question, or a confirmed group."""

    id: int
    """Of the question that stands for it: the canonical one of a group."""
    question: EntryQuestion
    group_id: int | None
    size: int
    """Questions of the confirmed group, or 1."""
    others: Sequence[EntryQuestion]
    """For a group: its questions that are in flagged pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetail:
    """An entry with everything that is needed to decide on it, the oldest question first."""

    pairs: Sequence[EntryPair]
    """The highest score first."""
    nodes: Sequence[Node]
    flagged_at: datetime

    @property
    def group_ids(self) -> list[int]:
        """Return the confirmed groups in it, the largest first."""
        found = [node for node in self.nodes if node.group_id is not None]
        found.sort(key=lambda node: -node.size)
        return [node.group_id for node in found if node.group_id is not None]


def list_entries(
    session: Session,
    forum_id: int,
    where: QueueFilter,
    *,
    sort: Sort,
    after: int | None = None,
    limit: int = 50,
) -> Page:
    """Return the entries of the next *limit* pairs in this order, those after the pair *after*.

    An entry is listed once, at the place of its first matching pair.
    """
    while window := list_queue(session, forum_id, where, sort=sort, after=after, limit=limit):
        after = window[-1].pair_id
        found = _entries(session, forum_id, where, window, sort)
        if found:
            return Page(entries=found, after=after)
    return Page(entries=(), after=None)


def _entries(
    session: Session, forum_id: int, where: QueueFilter, window: Sequence[QueueItem], sort: Sort
) -> list[Entry]:
    if where.status is not PairStatus.FLAGGED:
        return [Entry(first=item, pair_ids=(item.pair_id,), questions=2) for item in window]
    numbers = {item.entry for item in window}
    rows = session.execute(
        select(
            *_COLUMNS,
            Pair.useful,
            Pair.entry,
            and_(*conditions(forum_id, where)).label("matches"),
        ).where(Pair.entry.in_(numbers), Pair.status == PairStatus.FLAGGED)
    ).all()
    by_first = {}
    for part, nodes in _parts(session, rows):
        first = min((row for row in part if row.matches), key=_PLACES[sort], default=None)
        if first is not None:
            by_first[first.id] = (tuple(sorted(row.id for row in part)), len(nodes))
    return [
        Entry(first=item, pair_ids=by_first[item.pair_id][0], questions=by_first[item.pair_id][1])
        for item in window
        if item.pair_id in by_first
    ]


_COLUMNS = (
    Pair.id,
    Pair.version,
    Pair.low_id,
    Pair.high_id,
    Pair.score,
    Pair.kind,
    Pair.flagged_at,
)
_PLACES: Mapping[Sort, Any] = {
    Sort.CERTAIN: lambda row: (-row.score, -row.id),
    Sort.USEFUL: lambda row: (-row.useful, -row.id),
    Sort.OLDEST: lambda row: (row.flagged_at, row.id),
}


def _parts(session: Session, rows: Sequence[Any]) -> list[tuple[list[Any], frozenset[int]]]:
    """Split pairs with the same number into parts that still connect, with the nodes of each."""
    stands_for = representatives(session, {q for row in rows for q in (row.low_id, row.high_id)})
    by_entry: dict[int, list[Any]] = {}
    for row in rows:
        by_entry.setdefault(row.entry, []).append(row)
    found = []
    for pairs in by_entry.values():
        edges = {row.id: (stands_for[row.low_id], stands_for[row.high_id]) for row in pairs}
        nodes = {node for edge in edges.values() for node in edge}
        for part in components(nodes, edges.values()):
            together = [row for row in pairs if edges[row.id][0] in part]
            # Pairs within one confirmed group are one node: each is shown alone.
            alone = len(part) == 1
            found += [([row], part) for row in together] if alone else [(together, part)]
    return found


def representatives(session: Session, question_ids: Iterable[int]) -> dict[int, int]:
    """Return for each question the canonical question of its group, or the question itself."""
    ids = set(question_ids)
    found = session.execute(
        select(GroupMember.question_id, Group.canonical_id)
        .join(Group, Group.id == GroupMember.group_id)
        .where(GroupMember.question_id.in_(ids))
    )
    return {q: q for q in ids} | {row.question_id: row.canonical_id for row in found}


def find_entry(session: Session, forum_id: int, pair_id: int) -> EntryDetail | None:
    """Return the entry of a flagged pair; None if it connects with no other."""
    number = (
        select(Pair.entry)
        .where(Pair.id == pair_id, Pair.forum_id == forum_id, Pair.status == PairStatus.FLAGGED)
        .scalar_subquery()
    )
    rows = session.execute(
        select(*_COLUMNS, Pair.entry)
        .where(Pair.entry == number, Pair.status == PairStatus.FLAGGED)
        .order_by(Pair.score.desc(), Pair.id)
    ).all()
    for part, nodes in _parts(session, rows):
        if len(part) > 1 and pair_id in {row.id for row in part}:
            return _detail(session, part, nodes)
    return None


def _detail(session: Session, rows: Sequence[Any], nodes: Iterable[int]) -> EntryDetail:
    named = {q for row in rows for q in (row.low_id, row.high_id)}
    questions = _questions(session, named | set(nodes))
    member_of = groups.groups_of(session, questions)
    sizes = groups.sizes(session, set(member_of.values()))
    found = []
    for node in sorted(nodes, key=lambda q: (questions[q].asked_at, q)):
        group_id = member_of.get(node)
        others = [q for q in sorted(named - {node}) if group_id and member_of.get(q) == group_id]
        found.append(
            Node(
                id=node,
                question=questions[node],
                group_id=group_id,
                size=sizes.get(group_id, 1) if group_id else 1,
                others=[questions[q] for q in others],
            )
        )
    pairs = [
        EntryPair(
            pair_id=row.id,
            version=row.version,
            low_id=row.low_id,
            high_id=row.high_id,
            score=row.score,
            kind=PairKind(row.kind),
        )
        for row in rows
    ]
    return EntryDetail(pairs=pairs, nodes=found, flagged_at=min(row.flagged_at for row in rows))


def _questions(session: Session, ids: Iterable[int]) -> dict[int, EntryQuestion]:
    found = session.execute(
        select(
            Question.id,
            Question.title,
            Question.body,
            Question.url,
            Question.category,
            Question.author,
            func.coalesce(Question.asked_at, Question.created_at).label("asked_at"),
            Question.visible,
            Question.facts,
        ).where(Question.id.in_(list(ids)))
    )
    return {row["id"]: EntryQuestion(**row) for row in found.mappings()}
