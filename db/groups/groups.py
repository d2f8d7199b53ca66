"""Groups of duplicates: always the connected components of the confirmed pairs.

With this one rule, joining and splitting are the same: after any decision the groups around its
pair are computed again. A chosen canonical question stays chosen in whatever group it is then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import delete, func, insert, or_, select, text, tuple_, update
from sqlalchemy.orm import Session, aliased

from db.errors import ConflictError, InvalidInputError, NotFoundError
from db.groups.canonical import proposed
from db.groups.components import bridges, components
from db.outbox.events import NewEvent, record
from db.rows import PairEnds, PairStatus
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tables.review import Group, GroupMember
from db.wording import counted

_LOCK = 7_302_562


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A question in a group."""

    id: int
    external_id: str
    title: str
    url: str | None
    category: str | None
    asked_at: datetime | None
    is_canonical: bool
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(PairEnds):
    """A pair between two members."""

    status: PairStatus
    is_bridge: bool
    """Without it the group would be in two parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDetail:
    """A group with its members, the canonical one first, and the pairs with one of its members."""

    id: int
    forum_id: int
    canonical_id: int
    members: Sequence[MemberRow]
    links: Sequence[Link]
    flagged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A group in a list."""

    id: int
    canonical_id: int
    canonical_title: str
    size: int
    to_review: int
    """Flagged pairs that touch the group."""
    updated_at: datetime


class WouldMergeError(ConflictError):
    """This would join two groups: look at both, then confirm it."""

    def __init__(self, *, pair_id: int, groups: Sequence[int], sizes: Sequence[int]) -> None:
        super().__init__(
            f"pair {pair_id} is a bridge: it would join a group of {counted(sizes[0], 'question')}"
            f" with one of {' and one of '.join(map(str, sizes[1:]))}; repeat with merge=true if"
            f" all {sum(sizes)} are the same question"
        )
        self.groups = groups
        self.sizes = sizes


def lock(session: Session, forum_id: int) -> None:
    """Lock the forum's groups until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK, forum_id)))


def groups_of(session: Session, question_ids: Iterable[int]) -> dict[int, int]:
    """Return the groups of the questions that are in one."""
    found = session.execute(
        select(GroupMember.question_id, GroupMember.group_id).where(
            GroupMember.question_id.in_(list(question_ids))
        )
    )
    return {row.question_id: row.group_id for row in found}


def together_with(session: Session, question_id: int) -> list[int]:
    """Return the other questions of this question's group."""
    own = select(GroupMember.group_id).where(GroupMember.question_id == question_id)
    found = session.execute(
        select(GroupMember.question_id).where(
            GroupMember.group_id == own.scalar_subquery(), GroupMember.question_id != question_id
        )
    )
    return list(found.scalars())


def sizes(session: Session, group_ids: Iterable[int]) -> dict[int, int]:
    """Return how many questions each group has."""
    found = session.execute(
        select(GroupMember.group_id, func.count().label("size"))
        .where(GroupMember.group_id.in_(list(group_ids)))
        .group_by(GroupMember.group_id)
    )
    return {row.group_id: row.size for row in found}


def refuse_merge(session: Session, pair_id: int, *group_ids: int) -> NoReturn:
    """Raise `WouldMergeError` for a pair that would join these groups."""
    found = sizes(session, group_ids)
    raise WouldMergeError(
        pair_id=pair_id, groups=group_ids, sizes=tuple(found[g] for g in group_ids)
    )


_REACHED = text("""
    WITH RECURSIVE reached (id) AS (
        SELECT unnest(CAST(:start AS bigint[]))
        UNION
        SELECT CASE WHEN pairs.low_id = reached.id THEN pairs.high_id ELSE pairs.low_id END
        FROM reached JOIN pairs ON pairs.low_id = reached.id OR pairs.high_id = reached.id
        WHERE pairs.status = 'duplicate'
    ) SELECT id FROM reached
""")


def rebuild(
    session: Session,
    forum_id: int,
    question_ids: Sequence[int],
    *,
    actor: str,
    prefer: int | None = None,
) -> None:
    """Compute the groups of these questions, and of all that are connected, again; needs `lock`.

    *prefer* becomes the canonical question of its group.
    """
    old = groups_of(session, question_ids)
    members = _members(session, set(old.values()))
    start = sorted({*question_ids, *(q for group in members.values() for q in group)})
    reached = set(session.execute(_REACHED, {"start": start}).scalars())
    members |= _members(session, set(groups_of(session, reached).values()) - set(members))
    edges = _confirmed(session, reached)
    wanted = [found for found in components(reached, edges) if len(found) > 1]
    canonical = _canonicals(session, members)
    chosen = {
        ids: prefer if prefer in ids else proposed(session, (canonical & ids) or ids)
        for ids in wanted
    }
    _apply(session, forum_id, members, chosen, actor=actor)


def _members(session: Session, group_ids: set[int]) -> dict[int, frozenset[int]]:
    found = session.execute(
        select(GroupMember.group_id, func.array_agg(GroupMember.question_id).label("ids"))
        .where(GroupMember.group_id.in_(group_ids))
        .group_by(GroupMember.group_id)
    )
    return {row.group_id: frozenset(row.ids) for row in found}


def _confirmed(session: Session, ids: set[int]) -> list[tuple[int, int]]:
    found = session.execute(
        select(Pair.low_id, Pair.high_id).where(
            Pair.low_id.in_(ids), Pair.high_id.in_(ids), Pair.status == PairStatus.DUPLICATE
        )
    )
    return [(row.low_id, row.high_id) for row in found]


def _apply(
    session: Session,
    forum_id: int,
    old: Mapping[int, frozenset[int]],
    wanted: Mapping[frozenset[int], int],
    *,
    actor: str,
) -> None:
    kept = _matched(old, list(wanted))
    touched = {question for group in old.values() for question in group}
    session.execute(delete(GroupMember).where(GroupMember.question_id.in_(touched)))
    for gone in sorted(set(old) - set(kept.values())):
        session.execute(delete(Group).where(Group.id == gone))
        tell(session, forum_id, gone, (), actor=actor)
    for ids, canonical_id in wanted.items():
        group_id = store(session, forum_id, kept.get(ids), canonical_id)
        session.execute(
            insert(GroupMember), [{"question_id": q, "group_id": group_id} for q in sorted(ids)]
        )
        if old.get(group_id) != ids:
            tell(session, forum_id, group_id, sorted(ids), actor=actor)


def _matched(
    old: Mapping[int, frozenset[int]], wanted: Sequence[frozenset[int]]
) -> dict[frozenset[int], int]:
    """Return the id of each new group: of the old group that shares most questions with it."""
    shared = sorted(
        (
            (len(members & ids), -group_id, ids)
            for group_id, members in old.items()
            for ids in wanted
        ),
        key=lambda item: item[:2],
        reverse=True,
    )
    matched: dict[frozenset[int], int] = {}
    for count, negative, ids in shared:
        if count and ids not in matched and -negative not in matched.values():
            matched[ids] = -negative
    return matched


def _canonicals(session: Session, group_ids: Iterable[int]) -> frozenset[int]:
    found = session.execute(select(Group.canonical_id).where(Group.id.in_(list(group_ids))))
    return frozenset(found.scalars())


def canonical_of(session: Session, question_id: int) -> int | None:
    """Return the canonical question of the group that this question is in, if any."""
    return session.execute(
        select(Group.canonical_id)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(GroupMember.question_id == question_id)
    ).scalar_one_or_none()


def store(session: Session, forum_id: int, group_id: int | None, canonical_id: int) -> int:
    """Save a group (without *group_id* a new one) and return its id; needs `lock`."""
    if group_id is None:
        new = insert(Group).values(forum_id=forum_id, canonical_id=canonical_id)
        return session.execute(new.returning(Group.id)).scalar_one()
    changes = {"canonical_id": canonical_id, "updated_at": func.clock_timestamp()}
    session.execute(update(Group).where(Group.id == group_id).values(changes))
    return group_id


def tell(session: Session, forum_id: int, group_id: int, ids: Sequence[int], *, actor: str) -> None:
    """Record the event that a group has these questions now."""
    data = {"group_id": group_id, "size": len(ids), "questions": list(ids)}
    record(session, [NewEvent(forum_id=forum_id, kind="group.changed", actor=actor, data=data)])


def choose_canonical(
    session: Session, forum_id: int, group_id: int, question_id: int, *, actor: str
) -> None:
    """Make this question the canonical one of its group.

    Raises `NotFoundError` for an unknown group, `InvalidInputError` for a question outside it.
    """
    group = get_group(session, forum_id, group_id)
    ids = [member.id for member in group.members]
    if question_id not in ids:
        raise InvalidInputError(f"question {question_id} is not in group {group_id}")
    store(session, forum_id, group_id, question_id)
    tell(session, forum_id, group_id, ids, actor=actor)


def get_group(session: Session, forum_id: int, group_id: int) -> GroupDetail:
    """Return a group with its members and pairs; raises `NotFoundError`."""
    group = session.execute(
        select(Group).where(Group.id == group_id, Group.forum_id == forum_id)
    ).scalar_one_or_none()
    if group is None:
        raise NotFoundError(f"there is no group {group_id} in this forum")
    members = _member_rows(session, group_id, group.canonical_id)
    ids = [member.id for member in members]
    return GroupDetail(
        id=group_id,
        forum_id=forum_id,
        canonical_id=group.canonical_id,
        members=members,
        links=_links(session, ids),
        flagged=_count_flagged(session, ids),
    )


def _member_rows(session: Session, group_id: int, canonical_id: int) -> list[MemberRow]:
    asked = func.coalesce(Question.asked_at, Question.created_at)
    found = session.execute(
        select(
            Question.id,
            Question.external_id,
            Question.title,
            Question.url,
            Question.category,
            Question.asked_at,
            Question.facts,
            (Question.id == canonical_id).label("is_canonical"),
        )
        .join(GroupMember, GroupMember.question_id == Question.id)
        .where(GroupMember.group_id == group_id)
        .order_by((Question.id == canonical_id).desc(), asked, Question.id)
    )
    return [MemberRow(**row) for row in found.mappings()]


def _links(session: Session, ids: Sequence[int]) -> list[Link]:
    found = session.execute(
        select(Pair.id, Pair.low_id, Pair.high_id, Pair.score, Pair.status)
        .where(
            Pair.low_id.in_(ids),
            Pair.high_id.in_(ids),
            Pair.status.in_((PairStatus.DUPLICATE, PairStatus.FLAGGED)),
        )
        .order_by(Pair.score.desc(), Pair.id)
    ).all()
    confirmed = [(row.low_id, row.high_id) for row in found if row.status == PairStatus.DUPLICATE]
    thin = bridges(confirmed) if len(ids) > 2 else set()  # noqa: PLR2004  # a pair has no bridge
    return [
        Link(
            pair_id=row.id,
            low_id=row.low_id,
            high_id=row.high_id,
            score=row.score,
            status=PairStatus(row.status),
            is_bridge=(row.low_id, row.high_id) in thin,
        )
        for row in found
    ]


def touching(ids: Sequence[int]) -> object:
    """Return the condition that a flagged pair has one of these questions."""
    return (Pair.status == PairStatus.FLAGGED) & or_(Pair.low_id.in_(ids), Pair.high_id.in_(ids))


def _count_flagged(session: Session, ids: Sequence[int]) -> int:
    return session.execute(select(func.count()).where(touching(ids))).scalar_one()  # type: ignore[arg-type]


def list_groups(
    session: Session, forum_id: int, *, before: int | None = None, limit: int = 50
) -> list[GroupRow]:
    """Return a forum's groups, the last changed first, those after the group *before*.

    After a group that does not exist, or is another forum's, there is nothing.
    """
    member, canonical = aliased(GroupMember), aliased(Question)
    count = select(func.count()).where(member.group_id == Group.id).scalar_subquery()
    flagged = (
        select(func.count(Pair.id.distinct()))
        .join(
            GroupMember,
            or_(Pair.low_id == GroupMember.question_id, Pair.high_id == GroupMember.question_id),
        )
        .where(GroupMember.group_id == Group.id, Pair.status == PairStatus.FLAGGED)
        .scalar_subquery()
    )
    statement = (
        select(
            Group.id,
            Group.canonical_id,
            canonical.title.label("canonical_title"),
            count.label("size"),
            flagged.label("to_review"),
            Group.updated_at,
        )
        .join(canonical, canonical.id == Group.canonical_id)
        .where(Group.forum_id == forum_id)
        .order_by(Group.updated_at.desc(), Group.id.desc())
        .limit(limit)
    )
    if before is not None:
        place = select(Group.updated_at, Group.id).where(
            Group.id == before, Group.forum_id == forum_id
        )
        statement = statement.where(tuple_(Group.updated_at, Group.id) < place.scalar_subquery())
    return [GroupRow(**row) for row in session.execute(statement).mappings()]
