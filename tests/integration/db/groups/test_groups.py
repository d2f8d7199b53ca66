"""Groups of duplicates."""

from itertools import combinations
from operator import attrgetter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError
from db.groups import groups
from db.groups.components import components
from db.rows import PairStatus
from db.tables.pairs import Event, Pair
from db.tables.review import Group, GroupMember
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.review import Seeded, flag, seed_questions


class TestTwoForums(TwoForums):
    module = groups
    calls: ClassVar[Calls] = {
        "lock": lambda session, own: groups.lock(session, own.id),
        "groups_of": lambda session, own: groups.groups_of(session, own.questions),
        "together_with": lambda session, own: groups.together_with(session, own.question),
        "sizes": lambda session, own: groups.sizes(session, [own.group]),
        "rebuild": lambda session, own: groups.rebuild(session, own.id, own.questions, actor="ana"),
        "canonical_of": lambda session, own: groups.canonical_of(session, own.question),
        "store": lambda session, own: groups.store(session, own.id, own.group, own.question),
        "store: a new one": lambda session, own: groups.store(session, own.id, None, own.question),
        "tell": lambda session, own: groups.tell(
            session, own.id, own.group, own.questions, actor="ana"
        ),
        "choose_canonical": lambda session, own: groups.choose_canonical(
            session, own.id, own.group, own.question, actor="ana"
        ),
        "get_group": lambda session, own: groups.get_group(session, own.id, own.group),
        "list_groups": lambda session, own: groups.list_groups(session, own.id),
        "list_groups: a page": lambda session, own: groups.list_groups(
            session, own.id, before=own.group
        ),
    }
    crossed: ClassVar[Crossed] = {
        "choose_canonical: group": (
            attrgetter("group"),
            lambda session, own, thing: groups.choose_canonical(
                session, own.id, thing, own.question, actor="ana"
            ),
        ),
        "choose_canonical: question": (
            attrgetter("question"),
            lambda session, own, thing: groups.choose_canonical(
                session, own.id, own.group, thing, actor="ana"
            ),
        ),
        "get_group": (
            attrgetter("group"),
            lambda session, own, thing: groups.get_group(session, own.id, thing),
        ),
        "list_groups": (
            attrgetter("group"),
            lambda session, own, thing: groups.list_groups(session, own.id, before=thing),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"touching", "refuse_merge"})


_ENDS = list(combinations(range(6), 2))


def eggs(session: Session, count: int = 6) -> Seeded:
    return seed_questions(session, *(f"How do I boil {n} eggs?" for n in range(count)))


def confirm(session: Session, seeded: Seeded, one: int, other: int) -> int:
    """Confirm a pair without building groups."""
    return flag(session, seeded, one, other, status=PairStatus.DUPLICATE)


def rebuilt(session: Session, seeded: Seeded, *which: int, prefer: int | None = None) -> None:
    ids = [seeded.questions[one] for one in which]
    groups.rebuild(session, seeded.forum.id, ids, actor="ana", prefer=prefer)


def stored(session: Session, seeded: Seeded) -> dict[int, set[int]]:
    """Return the members of each group, by their places."""
    found: dict[int, set[int]] = {}
    for question_id, group_id in groups.groups_of(session, seeded.questions).items():
        found.setdefault(group_id, set()).add(seeded.questions.index(question_id))
    return found


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(_ENDS), st.booleans()), min_size=1, max_size=9))
def test_groups_are_the_components_of_what_is_confirmed_whatever_came_before(
    session: Session, steps: list[tuple[tuple[int, int], bool]]
) -> None:
    with session.begin_nested() as undone:
        seeded = eggs(session)
        pairs: dict[tuple[int, int], int] = {}
        for (one, other), is_same in steps:
            status = PairStatus.DUPLICATE if is_same else PairStatus.NOT_DUPLICATE
            if (one, other) not in pairs:
                pairs[one, other] = flag(session, seeded, one, other, status=status)
            own = Pair.id == pairs[one, other]
            session.execute(update(Pair).where(own).values(status=status))
            rebuilt(session, seeded, one, other)

        confirmed = dict(steps)
        edges = [ends for ends, is_same in confirmed.items() if is_same]
        wanted = {frozenset(one) for one in components(range(6), edges) if len(one) > 1}
        found = {frozenset(one) for one in stored(session, seeded).values()}
        canonical = {
            group: groups.get_group(session, seeded.forum.id, group).canonical_id
            for group in stored(session, seeded)
        }
        undone.rollback()

    assert found == wanted
    assert all(one in seeded.questions for one in canonical.values())


def test_the_oldest_is_canonical_until_somebody_chooses_and_then_the_chosen_stays(
    session: Session,
) -> None:
    seeded = eggs(session)
    confirm(session, seeded, 1, 2)
    rebuilt(session, seeded, 1)
    (group,) = stored(session, seeded)
    assert groups.canonical_of(session, seeded.questions[2]) == seeded.questions[1]

    groups.choose_canonical(session, seeded.forum.id, group, seeded.questions[2], actor="ana")
    confirm(session, seeded, 0, 1)
    rebuilt(session, seeded, 0)

    assert stored(session, seeded) == {group: {0, 1, 2}}
    assert groups.canonical_of(session, seeded.questions[0]) == seeded.questions[2]
    rebuilt(session, seeded, 0, prefer=seeded.questions[0])
    assert groups.canonical_of(session, seeded.questions[2]) == seeded.questions[0]


def test_a_group_that_splits_keeps_its_id_in_the_larger_part(session: Session) -> None:
    seeded = eggs(session)
    for one in range(4):
        confirm(session, seeded, one, one + 1)
    rebuilt(session, seeded, 0)
    (group,) = stored(session, seeded)

    session.execute(delete(Pair).where(Pair.low_id == seeded.questions[1]))
    rebuilt(session, seeded, 1, 2)

    found = stored(session, seeded)
    assert found[group] == {2, 3, 4}
    assert sorted(map(len, found.values())) == [2, 3]


def test_each_change_of_a_group_is_one_event_with_who_did_it(session: Session) -> None:
    seeded = eggs(session)
    confirm(session, seeded, 0, 1)
    rebuilt(session, seeded, 0)
    rebuilt(session, seeded, 0)
    session.execute(delete(Pair))
    rebuilt(session, seeded, 0)

    told = session.execute(select(Event.actor, Event.data).order_by(Event.id)).all()

    assert [(actor, data["size"]) for actor, data in told] == [("ana", 2), ("ana", 0)]
    assert told[0].data["questions"] == seeded.questions[:2]
    assert session.execute(select(Group.id)).all() == []
    assert session.execute(select(GroupMember.group_id)).all() == []


def test_a_group_shows_its_bridges_and_what_is_left_to_review(session: Session) -> None:
    seeded = eggs(session)
    for one, other in ((0, 1), (1, 2), (0, 2), (2, 3)):
        confirm(session, seeded, one, other)
    flag(session, seeded, 3, 4)
    inside = flag(session, seeded, 0, 3, score=0.4)
    rebuilt(session, seeded, 0)
    (group,) = stored(session, seeded)

    found = groups.get_group(session, seeded.forum.id, group)

    places = {one: place for place, one in enumerate(seeded.questions)}
    assert [places[one.id] for one in found.members] == [0, 1, 2, 3]
    assert [one.is_canonical for one in found.members] == [True, False, False, False]
    assert {(places[one.low_id], places[one.high_id]) for one in found.links if one.is_bridge} == {
        (2, 3)
    }
    assert found.links[-1].pair_id == inside
    assert found.flagged == 2


def test_groups_are_listed_page_by_page_the_last_changed_first(session: Session) -> None:
    seeded = eggs(session)
    for one in (0, 2, 4):
        confirm(session, seeded, one, one + 1)
        rebuilt(session, seeded, one)
    flag(session, seeded, 0, 3)
    by_first = {min(members): group for group, members in stored(session, seeded).items()}

    first = groups.list_groups(session, seeded.forum.id, limit=2)
    second = groups.list_groups(session, seeded.forum.id, before=first[-1].id, limit=2)

    assert [one.id for one in (*first, *second)] == [by_first[4], by_first[2], by_first[0]]
    assert [one.to_review for one in (*first, *second)] == [0, 1, 1]
    assert {one.size for one in first} == {2}
    assert groups.list_groups(session, seeded.forum.id, before=1_666_666_666) == []


def test_what_is_not_in_a_group_is_refused_by_name(session: Session) -> None:
    seeded = eggs(session)
    confirm(session, seeded, 0, 1)
    rebuilt(session, seeded, 0)
    (group,) = stored(session, seeded)

    with pytest.raises(InvalidInputError, match=f"is not in group {group}"):
        groups.choose_canonical(session, seeded.forum.id, group, seeded.questions[5], actor="a")
    with pytest.raises(NotFoundError, match="there is no group 77"):
        groups.get_group(session, seeded.forum.id, 77)
    assert groups.together_with(session, seeded.questions[0]) == [seeded.questions[1]]
    assert groups.together_with(session, seeded.questions[5]) == []
    assert groups.canonical_of(session, seeded.questions[5]) is None


def test_a_merge_that_nobody_confirmed_names_both_sizes(session: Session) -> None:
    seeded = eggs(session)
    for one, other in ((0, 1), (1, 2), (3, 4)):
        confirm(session, seeded, one, other)
    rebuilt(session, seeded, 0, 3)
    first, second = sorted(stored(session, seeded), key=stored(session, seeded).__getitem__)

    with pytest.raises(groups.WouldMergeError, match="repeat with merge=true if all 5") as told:
        groups.refuse_merge(session, 9, first, second)

    assert sorted(told.value.sizes) == [2, 3]
