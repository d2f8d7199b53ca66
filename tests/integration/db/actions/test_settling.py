"""What is to be done follows from groups and pairs, whatever happens and in whatever order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from db.acting import ladder, objections
from db.acting.ladder import Ladder
from db.actions import actions, settling, vetoes
from db.actions.actions import ActionFilter
from db.actions.rows import ActionRow, ActionState, Kind
from db.actions.vetoes import Source
from db.deciding import bulk, decisions
from db.errors import ServiceError
from db.groups import groups
from db.questions import questions
from db.rows import PairStatus, Rung
from db.tables.pairs import Pair
from db.tables.review import Decision, Group, GroupMember
from db.tenants import forums
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.review import Seeded, flag, say, seed_questions, version_of
from worker import acting

Factory = sessionmaker[Session]
TITLES = [f"question {number}" for number in range(5)]
Op = Callable[["World"], None]


class TestTwoForums(TwoForums):
    module = settling
    calls: ClassVar[Calls] = {
        "settle": lambda session, own: settling.settle(session, own.id),
        "tell_due": lambda session, own: settling.tell_due(session, own.id),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"forums_to_settle"})


@dataclass
class World:
    """A forum as the service knows it, and the real one, which carries out every action."""

    session: Session
    seeded: Seeded
    closed: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.seeded.forum.id

    def listed(self) -> list[ActionRow]:
        while settling.settle(self.session, self.id):
            continue
        return actions.list_actions(self.session, self.id, where=ActionFilter())

    def carry_out(self, action: ActionRow) -> None:
        if action.kind is Kind.CLOSE:
            assert action.canonical_id is not None
            self.closed[action.question_id] = action.canonical_id
        else:
            self.closed.pop(action.question_id, None)
        objections.confirm(self.session, self.id, action.id, ActionState.APPLIED)
        self.check()

    def round(self) -> None:
        """Carry out what is listed until nothing is."""
        for _ in range(20):
            found = self.listed()
            if not found:
                return
            self.carry_out(found[0])
        raise AssertionError("the forum is never done")

    def check(self) -> None:
        """Check the laws that are valid at any time."""
        for start in self.closed:
            seen, one = set(), start
            while one in self.closed:
                assert one not in seen, f"links in a circle: {self.closed}"
                seen.add(one)
                one = self.closed[one]

    def known(self) -> dict[str, str]:
        """Return what should be closed for what, by the groups."""
        names = {
            row.id: row.external_id
            for row in questions.list_questions(self.session, self.id, after=0, limit=99)
        }
        found = self.session.execute(
            select(GroupMember.question_id, Group.canonical_id)
            .join(Group, Group.id == GroupMember.group_id)
            .where(Group.forum_id == self.id)
        )
        return {names[one]: names[to] for one, to in found if one != to}


def _pair(world: World, ends: tuple[int, int]) -> int:
    ids = [world.seeded.questions[end] for end in ends]
    return bulk.ensure_pair(world.session, world.id, *ids)[0]


def decide(ends: tuple[int, int], status: PairStatus, lead: int | None) -> Op:
    def do(world: World) -> None:
        pair = _pair(world, ends)
        canonical = world.seeded.questions[ends[lead]] if lead is not None else None
        verdict = decisions.Verdict(
            status=status,
            version=version_of(world.session, pair),
            canonical_id=canonical,
            merge=True,
        )
        decisions.decide(world.session, world.id, pair, verdict, actor="ana")

    return do


def undo(back: int) -> Op:
    def do(world: World) -> None:
        found = world.session.execute(
            select(Decision.id).where(Decision.forum_id == world.id).order_by(Decision.id.desc())
        ).scalars()
        ids = list(found)
        if back < len(ids):
            decisions.undo(world.session, world.id, ids[back], actor="ana")

    return do


def lead(place: int) -> Op:
    def do(world: World) -> None:
        question = world.seeded.questions[place]
        group = groups.groups_of(world.session, [question]).get(question)
        if group is not None:
            groups.choose_canonical(world.session, world.id, group, question, actor="ana")

    return do


def work(count: int) -> Op:
    def do(world: World) -> None:
        for action in world.listed()[:count]:
            world.carry_out(action)

    return do


def late(world: World) -> None:
    """Carry something out after it was taken back meanwhile."""
    found = world.listed()
    undo(0)(world)
    if found:
        world.carry_out(found[0])


def erase(place: int) -> Op:
    def do(world: World) -> None:
        name = f"q-{place + 1}"
        questions.erase(world.session, world.id, name, actor="key")
        world.closed.pop(name, None)
        for one in [one for one, to in world.closed.items() if to == name]:
            del world.closed[one]  # a link that leads nowhere: the forum's own affair

    return do


_place = st.integers(0, len(TITLES) - 1)
_ends = st.tuples(_place, _place).filter(lambda ends: ends[0] != ends[1])
_said = st.sampled_from([PairStatus.DUPLICATE] * 3 + [PairStatus.NOT_DUPLICATE])
_ops = st.one_of(
    st.builds(decide, _ends, _said, st.sampled_from([None, 0, 1])),
    st.builds(undo, st.integers(0, 3)),
    st.builds(lead, _place),
    st.builds(work, st.integers(1, 3)),
    st.just(late),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ops=st.lists(_ops, min_size=3, max_size=12))
def test_the_forum_ends_as_the_groups_say_and_never_has_links_in_a_circle(
    session: Session, ops: list[Op]
) -> None:
    with session.begin_nested() as savepoint:
        world = World(session, seed_questions(session, *TITLES))
        for op in ops:
            try:
                with session.begin_nested():
                    op(world)
            except ServiceError:
                continue

        world.round()

        assert world.closed == world.known()
        assert not set(world.closed) & set(world.closed.values())
        assert settling.settle(session, world.id) == 0
        savepoint.rollback()


def test_erasing_the_canonical_question_closes_the_others_for_the_next(session: Session) -> None:
    world = World(session, seed_questions(session, *TITLES))
    for one in (1, 2):
        decide((0, one), PairStatus.DUPLICATE, 0)(world)
    decide((1, 2), PairStatus.DUPLICATE, None)(world)
    world.round()

    erase(0)(world)
    world.round()

    assert world.closed == {"q-3": "q-2"}


@pytest.fixture
def world(session: Session) -> World:
    found = World(session, seed_questions(session, *TITLES))
    decide((0, 1), PairStatus.DUPLICATE, 0)(found)
    found.round()
    return found


def test_an_objection_reopens_and_puts_the_pair_before_people_again(world: World) -> None:
    (action,) = actions.list_actions(
        world.session, world.id, where=ActionFilter(states=[ActionState.APPLIED])
    )

    objections.object_to(world.session, action.token, reason="mine is about Rust")
    world.round()

    assert world.closed == {}
    assert world.known() == {}
    (veto,) = vetoes.find(world.session, world.seeded.questions).values()
    assert (veto.source, veto.reason) == (Source.OBJECTION, "mine is about Rust")


def test_what_a_person_says_after_an_objection_holds(world: World) -> None:
    objections.lift(world.session, world.id, world.seeded.questions[1], Source.OBJECTION)
    world.round()
    assert world.closed == {}

    decide((0, 1), PairStatus.DUPLICATE, 0)(world)
    world.round()

    assert world.closed == {"q-2": "q-1"}


def test_what_the_forums_people_reopen_stays_open(world: World) -> None:
    (action,) = actions.list_actions(
        world.session, world.id, where=ActionFilter(states=[ActionState.APPLIED])
    )
    del world.closed[action.question_id]

    objections.confirm(world.session, world.id, action.id, ActionState.REVERTED)

    assert world.listed() == [], "it is open already"

    assert world.closed == {}
    assert world.known() == {}


def test_a_failure_is_sent_again_when_somebody_asks_for_it(world: World) -> None:
    decide((0, 2), PairStatus.DUPLICATE, 0)(world)
    (action,) = world.listed()
    objections.confirm(world.session, world.id, action.id, ActionState.FAILED, reason="locked")
    assert world.listed() == []
    assert actions.totals(world.session) == {ActionState.FAILED: 1}

    actions.send_again(world.session, world.id, action.id)
    world.round()

    assert world.closed == {"q-2": "q-1", "q-3": "q-1"}
    assert ActionState.FAILED not in actions.totals(world.session)


def _climb(world: World, rung: Rung) -> None:
    forum = forums.find_forums(world.session, {world.id})[world.id]
    wanted = Ladder(rung=rung, grace_h=0, wanted_precision=0.98)
    ladder.choose(world.session, forum, wanted, act_threshold=None, actor="ana")


@pytest.mark.parametrize(("rung", "kind"), [(Rung.LABEL, Kind.LABEL), (Rung.SUGGEST, Kind.NOTE)])
def test_low_rungs_mark_the_later_question_of_a_flagged_pair_with_the_first_of_all(
    session: Session, rung: Rung, kind: Kind
) -> None:
    world = World(session, seed_questions(session, *TITLES))
    _climb(world, rung)
    for ends in ((1, 2), (0, 1)):
        flag(session, world.seeded, *ends)
        world.listed()

    found = {one.question_id: (one.kind, one.canonical_id) for one in world.listed()}

    assert found == {"q-2": (kind, "q-1"), "q-3": (kind, "q-1")}


def test_a_refused_pair_takes_its_mark_back(session: Session) -> None:
    world = World(session, seed_questions(session, *TITLES))
    _climb(world, Rung.LABEL)
    pair = flag(session, world.seeded, 0, 1)
    (label,) = world.listed()
    objections.confirm(session, world.id, label.id, ActionState.APPLIED)

    say(session, world.seeded, pair, PairStatus.NOT_DUPLICATE)

    assert [one.kind for one in world.listed()] == [Kind.REOPEN]


def test_a_forum_that_only_logs_is_told_nothing_and_keeps_what_it_did(world: World) -> None:
    _climb(world, Rung.LOG)
    decide((2, 3), PairStatus.DUPLICATE, None)(world)
    undo(1)(world)

    assert world.listed() == []
    assert world.closed == {"q-2": "q-1"}


def test_many_changes_are_settled_some_at_a_time(
    session: Session, sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(session, seed_questions(session, *(f"q {n}" for n in range(9))))
    for other in range(1, 9):
        decide((0, other), PairStatus.DUPLICATE, 0)(world)
    monkeypatch.setattr(settling, "AT_ONCE", 2)

    assert settling.settle(session, world.id) == 2
    acting.settle(sessions)

    assert settling.forums_to_settle(session) == []
    found = actions.list_actions(session, world.id, where=ActionFilter())
    assert [one.question_id for one in found] == [f"q-{n}" for n in range(2, 10)]


def test_a_change_that_is_committed_while_others_are_settled_is_not_lost(
    committed: Factory,
) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, *TITLES)
        forum = forums.get_forum(session, seeded.forum.name)
        wanted = Ladder(rung=Rung.LABEL, grace_h=0, wanted_precision=0.98)
        ladder.choose(session, forum, wanted, act_threshold=None, actor="ana")
        pair = flag(session, seeded, 0, 1)
    done = threading.Event()

    def settle() -> None:
        with committed.begin() as session:
            settling.settle(session, seeded.forum.id)
        done.set()

    with committed() as slow:
        slow.execute(update(Pair).where(Pair.id == pair).values(status=PairStatus.WITHDRAWN))
        settler = threading.Thread(target=settle)
        settler.start()
        assert not done.wait(0.5), "it waits for the change"
        slow.commit()
    settler.join(60)

    with committed.begin() as session:
        assert settling.forums_to_settle(session) == []
        everything = ActionFilter(states=list(ActionState), is_due=False)
        assert actions.list_actions(session, seeded.forum.id, where=everything) == []
