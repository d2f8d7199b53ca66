"""Decisions on whole entries of the queue."""

from itertools import combinations
from operator import attrgetter
from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.deciding import bulk, entry_decisions
from db.deciding.decisions import StaleVersionError
from db.deciding.entry_decisions import EntryVerdict, SaidOtherwiseError
from db.errors import InvalidInputError
from db.groups import groups
from db.groups.groups import WouldMergeError
from db.rows import PairKind, PairStatus
from db.tables.pairs import Pair
from db.tables.review import Decision
from tests.integration.db.two_forums import Calls, Crossed, Side, TwoForums
from tests.rows.entries import entry_of, places, say_of, sizes, statuses
from tests.rows.review import Seeded, flag, say, seed_questions, version_of

NOT_DUPLICATE = PairStatus.NOT_DUPLICATE


@pytest.fixture
def seeded(session: Session) -> Seeded:
    return seed_questions(session, *(f"How do I boil egg {n}" for n in range(20)))


def _verdict(session: Session, own: Side, pair_id: int, *more: int) -> EntryVerdict:
    return EntryVerdict(
        status=PairStatus.DUPLICATE,
        seen={pair_id: version_of(session, pair_id)},
        keep=frozenset({*own.questions, *more}),
    )


class TestTwoForums(TwoForums):
    module = entry_decisions
    calls: ClassVar[Calls] = {
        "decide": lambda session, own: entry_decisions.decide(
            session, own.id, _verdict(session, own, own.flagged), actor="Ana"
        ),
    }
    crossed: ClassVar[Crossed] = {
        "decide": (
            attrgetter("flagged"),
            lambda session, own, thing: entry_decisions.decide(
                session,
                own.id,
                EntryVerdict(status=PairStatus.NOT_DUPLICATE, seen={thing: 1}),
                actor="Ana",
            ),
        ),
        "decide: keep": (
            attrgetter("question"),
            lambda session, own, thing: entry_decisions.decide(
                session, own.id, _verdict(session, own, own.flagged, thing), actor="Ana"
            ),
        ),
    }


def test_a_cluster_of_six_is_one_entry_and_one_undo(session: Session, seeded: Seeded) -> None:
    pairs = [flag(session, seeded, one, other) for one, other in combinations(range(6), 2)]
    entry = entry_of(session, seeded, pairs[7])
    assert (len(entry.pairs), places(seeded, entry)) == (15, list(range(6)))

    done = say_of(session, seeded, entry, canonical_id=seeded.questions[4])

    assert done.done == 15
    group = groups.list_groups(session, seeded.forum.id)[0]
    assert (group.size, group.canonical_id) == (6, seeded.questions[4])
    bulk.undo_all(session, seeded.forum.id, done.bulk, actor="ana")
    assert set(statuses(session, *pairs)) == {"flagged"}
    assert len(entry_of(session, seeded, pairs[7]).pairs) == 15


def test_one_question_is_taken_out(session: Session, seeded: Seeded) -> None:
    kept = flag(session, seeded, 0, 1)
    touching = [flag(session, seeded, 0, 2), flag(session, seeded, 1, 2)]

    say_of(session, seeded, entry_of(session, seeded, kept), out=(2,))

    assert statuses(session, kept, *touching) == ["duplicate", "not_duplicate", "not_duplicate"]
    assert sizes(session, seeded) == [2]


def test_what_was_not_said_stays_open(session: Session, seeded: Seeded) -> None:
    kept, between = flag(session, seeded, 0, 1), flag(session, seeded, 1, 2)
    among_others = flag(session, seeded, 2, 3)

    say_of(session, seeded, entry_of(session, seeded, kept), out=(2, 3))

    assert statuses(session, kept, between, among_others) == [
        "duplicate",
        "not_duplicate",
        "flagged",
    ]


def test_those_that_stay_hang_together_without_the_one_taken_out(
    session: Session, seeded: Seeded
) -> None:
    first, second = flag(session, seeded, 0, 1), flag(session, seeded, 1, 2)
    entry = entry_of(session, seeded, first)

    done = say_of(session, seeded, entry, out=(1,))

    assert statuses(session, first, second) == ["not_duplicate", "not_duplicate"]
    group = groups.get_group(
        session, seeded.forum.id, groups.list_groups(session, seeded.forum.id)[0].id
    )
    assert [seeded.questions.index(member.id) for member in group.members] == [0, 2]
    made = session.execute(select(Pair.id, Pair.kind).order_by(Pair.id.desc())).first()
    assert made is not None
    assert made.kind == PairKind.JOINED
    bulk.undo_all(session, seeded.forum.id, done.bulk, actor="ana")
    assert statuses(session, first, second, made.id) == ["flagged", "flagged", "withdrawn"]


def test_a_word_said_before_is_not_overruled_by_a_whole_entry(
    session: Session, seeded: Seeded
) -> None:
    first, _ = flag(session, seeded, 0, 1), flag(session, seeded, 1, 2)
    said = flag(session, seeded, 0, 2)
    say(session, seeded, said, NOT_DUPLICATE, actor="ben")

    with pytest.raises(SaidOtherwiseError):
        say_of(session, seeded, entry_of(session, seeded, first), out=(1,))


def test_none_is_the_same(session: Session, seeded: Seeded) -> None:
    pairs = [flag(session, seeded, one, other) for one, other in ((0, 1), (1, 2), (0, 2))]

    say_of(session, seeded, entry_of(session, seeded, pairs[0]), NOT_DUPLICATE)

    assert statuses(session, *pairs) == ["not_duplicate"] * 3
    assert sizes(session, seeded) == []


def test_nothing_is_written_when_one_pair_changed_meanwhile(
    session: Session, seeded: Seeded
) -> None:
    pairs = [flag(session, seeded, one, other) for one, other in ((0, 1), (1, 2), (0, 2))]
    entry = entry_of(session, seeded, pairs[0])
    say(session, seeded, pairs[1], PairStatus.RELATED, actor="ben")

    with pytest.raises(StaleVersionError, match="related by ben"):
        say_of(session, seeded, entry)

    assert statuses(session, *pairs) == ["flagged", "related", "flagged"]


def test_an_entry_that_joins_groups_says_so_first(session: Session, seeded: Seeded) -> None:
    say(session, seeded, flag(session, seeded, 0, 1))
    say(session, seeded, flag(session, seeded, 2, 3))
    pairs = [flag(session, seeded, 4, 0), flag(session, seeded, 4, 2)]
    entry = entry_of(session, seeded, pairs[0])
    assert places(seeded, entry) == [0, 2, 4]

    with pytest.raises(WouldMergeError, match="a group of 2 questions with one of 2"):
        say_of(session, seeded, entry)
    say_of(session, seeded, entry, merge=True)

    assert sizes(session, seeded) == [5]


def test_a_canonical_question_and_two_to_keep_are_needed(session: Session, seeded: Seeded) -> None:
    pairs = [flag(session, seeded, one, other) for one, other in ((0, 1), (1, 2))]
    entry = entry_of(session, seeded, pairs[0])

    with pytest.raises(InvalidInputError, match="must be one of those that are the same"):
        say_of(session, seeded, entry, out=(0,), canonical_id=seeded.questions[0])
    with pytest.raises(InvalidInputError, match="keep at least two"):
        say_of(session, seeded, entry, out=(0, 1, 2))


def test_a_pair_within_one_confirmed_group_is_not_decided_with_the_rest(
    session: Session, seeded: Seeded
) -> None:
    for one, other in ((0, 1), (1, 2)):
        say(session, seeded, flag(session, seeded, one, other))
    inside = flag(session, seeded, 0, 2)
    outside = [flag(session, seeded, 3, 0), flag(session, seeded, 3, 2)]
    seen = {pair: version_of(session, pair) for pair in (inside, *outside)}
    verdict = EntryVerdict(status=PairStatus.RELATED, seen=seen)

    done = entry_decisions.decide(session, seeded.forum.id, verdict, actor="ana")

    assert done.done == 2
    assert statuses(session, inside, *outside) == ["flagged", "related", "related"]


def test_a_kept_group_takes_its_canonical_and_the_note_stands_at_each_decision(
    session: Session, seeded: Seeded
) -> None:
    pairs = [flag(session, seeded, 0, 1), flag(session, seeded, 1, 2)]
    chosen = seeded.questions[2]

    say_of(session, seeded, entry_of(session, seeded, pairs[0]), canonical_id=chosen, note="eggs")

    rows = session.execute(
        select(Decision.pair_id, Decision.canonical_id, Decision.note).order_by(Decision.pair_id)
    )
    assert [tuple(row) for row in rows] == [(pairs[0], None, "eggs"), (pairs[1], chosen, "eggs")]


def test_parts_that_the_one_taken_out_held_together_are_linked_one_by_one(
    session: Session, seeded: Seeded
) -> None:
    pairs = [flag(session, seeded, 0, n) for n in (1, 2, 3)]

    done = say_of(session, seeded, entry_of(session, seeded, pairs[0]), out=(0,))

    made = session.execute(
        select(Pair.low_id, Pair.high_id, Pair.status).where(Pair.kind == PairKind.JOINED)
    ).all()
    ends = [tuple(seeded.questions.index(q) for q in (row.low_id, row.high_id)) for row in made]
    assert sorted(ends) == [(1, 2), (1, 3)]
    assert {row.status for row in made} == {"duplicate"}
    assert done.done == 5


def test_a_verdict_that_cannot_stand_says_why(session: Session, seeded: Seeded) -> None:
    pair = flag(session, seeded, 0, 1)
    decided = flag(session, seeded, 1, 2)
    entry = entry_of(session, seeded, pair)
    say(session, seeded, decided, NOT_DUPLICATE)
    seen = {pair: version_of(session, pair), decided: version_of(session, decided)}
    both = EntryVerdict(status=NOT_DUPLICATE, seen=seen)

    with pytest.raises(InvalidInputError, match=r"^a decision is one of"):
        say_of(session, seeded, entry, PairStatus.FLAGGED)
    with pytest.raises(InvalidInputError, match=r"^a note has at most 500 characters$"):
        say_of(session, seeded, entry, note="n" * 501)
    with pytest.raises(InvalidInputError, match=f"^pair {decided} is not in the review queue"):
        entry_decisions.decide(session, seeded.forum.id, both, actor="ana")
