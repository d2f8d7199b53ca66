"""Labels in an archive: what the forum's own people decided on pairs of its questions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.groups import groups
from db.rows import ARCHIVE, UNDECIDED, PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Group, GroupMember

"""Who decided what came with an archive: never a person's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Two questions by the forum's own ids, and whether they are the same."""

    first_id: str
    second_id: str
    is_duplicate: bool = True
    canonical_id: str | None = None
    """The question to which the forum links."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    text_version: int


def save(session: Session, forum_id: int, labels: Sequence[Label], *, actor: str) -> int:
    """Store labels as decisions of the archive, update the groups, and return how many it decided.

    Decisions of people stay; labels of earlier archives are replaced. Labels on questions that are
    not stored are skipped. Needs `groups.lock`.
    """
    known = _known(session, forum_id, labels)
    rows = _rows(forum_id, labels, known)
    if not rows:
        return 0
    was_same = _duplicates(session, rows)
    decided = _decide(session, list(rows.values()))
    touched = {end for edge in decided if edge in was_same or _is_same(rows[edge]) for end in edge}
    if touched:
        old = groups.groups_of(session, touched)
        groups.rebuild(session, forum_id, sorted(touched), actor=actor)
        _point(session, touched, old)
    return len(decided)


def _known(session: Session, forum_id: int, labels: Sequence[Label]) -> dict[str, _Known]:
    names = {name for label in labels for name in (label.first_id, label.second_id)}
    found = session.execute(
        select(Question.external_id, Question.id, Question.text_version)
        .where(Question.forum_id == forum_id, Question.external_id.in_(names))
        .order_by(Question.id)
        .with_for_update(read=True, key_share=True)
    )
    return {row.external_id: _Known(row.id, row.text_version) for row in found}


_Edge = tuple[int, int]
_Row = dict[str, object]


def _rows(forum_id: int, labels: Sequence[Label], known: Mapping[str, _Known]) -> dict[_Edge, _Row]:
    rows: dict[_Edge, _Row] = {}
    for label in labels:
        ends = (known.get(label.first_id), known.get(label.second_id))
        if ends[0] is None or ends[1] is None or ends[0].id == ends[1].id:
            continue
        low, high = sorted((ends[0], ends[1]), key=lambda end: end.id)
        canonical = known.get(label.canonical_id or "") if label.is_duplicate else None
        rows[low.id, high.id] = {
            "forum_id": forum_id,
            "low_id": low.id,
            "high_id": high.id,
            "low_text_version": low.text_version,
            "high_text_version": high.text_version,
            "kind": PairKind.KNOWN,
            "status": PairStatus.DUPLICATE if label.is_duplicate else PairStatus.NOT_DUPLICATE,
            "score": 1.0 if label.is_duplicate else 0.0,
            "threshold": 1.0,
            "canonical_id": canonical.id if canonical else None,
            "decided_by": ARCHIVE,
            "decided_at": func.now(),
        }
    return dict(sorted(rows.items()))


def _is_same(row: _Row) -> bool:
    return row["status"] == PairStatus.DUPLICATE


def _duplicates(session: Session, edges: Iterable[_Edge]) -> set[_Edge]:
    lows = [low for low, _ in edges]
    found = session.execute(
        select(Pair.low_id, Pair.high_id).where(
            Pair.low_id.in_(lows), Pair.status == PairStatus.DUPLICATE
        )
    )
    return {(row.low_id, row.high_id) for row in found}


def _decide(session: Session, rows: list[_Row]) -> list[_Edge]:
    statement = insert(Pair).values(rows)
    new = statement.excluded
    names = ("status", "canonical_id", "decided_by", "decided_at")
    differs = or_(Pair.status != new.status, Pair.canonical_id.is_distinct_from(new.canonical_id))
    decide = statement.on_conflict_do_update(
        index_elements=["low_id", "high_id"],
        set_={**{name: new[name] for name in names}, "version": Pair.version + 1},
        where=or_(Pair.status.in_(UNDECIDED), and_(Pair.decided_by == ARCHIVE, differs)),
    ).returning(Pair.low_id, Pair.high_id)
    return [(row.low_id, row.high_id) for row in session.execute(decide)]


def _point(session: Session, touched: Iterable[int], old: Mapping[int, int]) -> None:
    """Make the questions canonical to which the forum's own links lead.

    Groups that were there before, *old* by question, keep their canonical question, which a person
    may have chosen, unless the forum itself links it to another question.
    """
    target = (
        select(GroupMember.group_id, Group.canonical_id, GroupMember.question_id, func.count())
        .join(Group, Group.id == GroupMember.group_id)
        .join(
            Pair,
            or_(Pair.low_id == GroupMember.question_id, Pair.high_id == GroupMember.question_id),
        )
        .where(
            GroupMember.group_id.in_(set(groups.groups_of(session, touched).values())),
            Pair.status == PairStatus.DUPLICATE,
            Pair.decided_by == ARCHIVE,
            Pair.canonical_id == GroupMember.question_id,
        )
        .group_by(GroupMember.group_id, Group.canonical_id, GroupMember.question_id)
    )
    found = [tuple(row) for row in session.execute(target)]
    pointing = _pointing(session, {end for _, now, target, _ in found for end in (now, target)})
    best: dict[int, tuple[bool, int, int]] = {}
    for group_id, canonical_id, target_id, count in found:
        if group_id in old.values() and canonical_id not in pointing:
            continue
        # The last question of a chain of links has no link itself.
        rank = (target_id not in pointing, count, -target_id)
        best[group_id] = max(best.get(group_id, rank), rank)
    for group_id, (_, _, negative) in best.items():
        change = update(Group).where(Group.id == group_id).values(canonical_id=-negative)
        session.execute(change)


def _pointing(session: Session, ids: Iterable[int]) -> set[int]:
    wanted = list(ids)
    found = session.execute(
        select(Pair.low_id, Pair.high_id, Pair.canonical_id).where(
            or_(Pair.low_id.in_(wanted), Pair.high_id.in_(wanted)),
            Pair.canonical_id.is_not(None),
            Pair.decided_by == ARCHIVE,
            Pair.status == PairStatus.DUPLICATE,
        )
    )
    return {end for row in found for end in (row.low_id, row.high_id) if end != row.canonical_id}
