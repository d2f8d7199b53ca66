"""What a newly confirmed pair changes in the groups: the usual cases, in a few statements.

Groups are the connected components of the confirmed pairs. A question without a group has no
confirmed pair. So a pair of two such questions starts a group, and a pair with one of them adds one
question to a group. Only joining or splitting groups needs them computed again.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from db.groups import groups
from db.groups.canonical import proposed
from db.tables.review import Group, GroupMember


def confirm(
    session: Session,
    forum_id: int,
    edge: tuple[int, int],
    *,
    grouped: Mapping[int, int],
    chosen: int | None,
    actor: str,
) -> int:
    """Update the groups after a pair was confirmed and return its group; needs `groups.lock`.

    *edge* has its two questions, *grouped* the groups they were in, and *chosen* becomes canonical.
    Of two groups, the group of the chosen question keeps its id.
    """
    found = set(grouped.values())
    if len(found) > 1:
        prefer = _leading(session, edge, chosen)
        groups.rebuild(session, forum_id, edge, actor=actor, prefer=prefer)
        group_id = groups.groups_of(session, edge)[edge[0]]
    elif not found:
        group_id = _found(session, forum_id, edge, chosen, actor=actor)
    else:
        (group_id,) = found
        new = next((question for question in edge if question not in grouped), None)
        _grow(session, forum_id, group_id, new, edge=edge, chosen=chosen, actor=actor)
    weigh_anew(session, edge)
    return group_id


def _leading(session: Session, edge: tuple[int, int], chosen: int | None) -> int | None:
    if chosen is None:
        return None
    leading = groups.canonical_of(session, chosen)
    return chosen if leading in {None, *edge} else leading


def _found(
    session: Session, forum_id: int, edge: tuple[int, int], chosen: int | None, *, actor: str
) -> int:
    canonical = chosen if chosen is not None else proposed(session, edge)
    group_id = groups.store(session, forum_id, None, canonical)
    session.execute(insert(GroupMember), [{"question_id": q, "group_id": group_id} for q in edge])
    groups.tell(session, forum_id, group_id, sorted(edge), actor=actor)
    return group_id


def _grow(
    session: Session,
    forum_id: int,
    group_id: int,
    new: int | None,
    *,
    edge: tuple[int, int],
    chosen: int | None,
    actor: str,
) -> None:
    canonical = session.execute(select(Group.canonical_id).where(Group.id == group_id)).scalar_one()
    leads = chosen is not None and (chosen == new or canonical in edge)
    groups.store(session, forum_id, group_id, chosen if leads and chosen else canonical)
    if new is not None:
        session.execute(insert(GroupMember).values(question_id=new, group_id=group_id))
        found = select(GroupMember.question_id).where(GroupMember.group_id == group_id)
        members = session.execute(found).scalars()
        groups.tell(session, forum_id, group_id, sorted(members), actor=actor)


_WEIGH = text("""
    UPDATE pairs SET useful = 0 WHERE id IN (
        SELECT pairs.id FROM pairs
        WHERE (low_id = ANY (:questions) OR high_id = ANY (:questions)) AND status = 'flagged'
        LIMIT 100 FOR UPDATE SKIP LOCKED
    )
""")


def weigh_anew(session: Session, question_ids: Sequence[int]) -> None:
    """Have the database compute again how useful a decision on these questions' flagged pairs is.

    Pairs that another transaction has locked are skipped: the order in the queue is not urgent.
    """
    session.execute(_WEIGH, {"questions": list(question_ids)})
