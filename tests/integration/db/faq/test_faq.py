"""What is asked most, and what rises."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import ClassVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.faq import ranking, rising
from db.faq.ranking import Ranking, Scope
from db.tables.pairs import Event, Pair
from db.tables.questions import Question
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.factories import make_forum, save_questions
from tests.rows.review import Seeded, flag, say, seed_questions

WEEK_S = 7 * 86_400


class TestRankingOfTwoForums(TwoForums):
    module = ranking
    calls: ClassVar[Calls] = {
        "ranked": lambda session, own: ranking.ranked(
            session, own.id, Ranking.SIZE, window_s=WEEK_S
        ),
    }
    crossed: ClassVar[Crossed] = {
        "ranked": (
            attrgetter("group"),
            lambda session, own, thing: ranking.ranked(
                session, own.id, Ranking.SIZE, window_s=WEEK_S, before=thing
            ),
        ),
    }


class TestRisingOfTwoForums(TwoForums):
    module = rising
    calls: ClassVar[Calls] = {
        "rising": lambda session, own: rising.rising(session, own.id),
        "tell": lambda session, own: rising.tell(session, own.id, rising.rising(session, own.id)),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"active"})


def _ask_now(session: Session, seeded: Seeded, *places: int) -> None:
    ids = [seeded.questions[place] for place in places]
    now = datetime.now(UTC) - timedelta(minutes=5)
    session.execute(update(Question).where(Question.id.in_(ids)).values(asked_at=now))


def test_groups_are_ranked_by_size_or_growth_in_pages(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(7)))
    for one, other in ((0, 1), (1, 2), (0, 3), (4, 5)):
        say(session, seeded, flag(session, seeded, one, other))
    _ask_now(session, seeded, 5)
    forum = seeded.forum.id

    by_size = ranking.ranked(session, forum, Ranking.SIZE, window_s=WEEK_S)
    by_growth = ranking.ranked(session, forum, Ranking.GROWTH, window_s=WEEK_S)
    first = by_size[0]
    rest = ranking.ranked(
        session,
        forum,
        Ranking.SIZE,
        window_s=WEEK_S,
        before=first.id,
    )

    assert [(row.size, row.grown) for row in by_size] == [(4, 0), (2, 1)]
    assert [row.id for row in by_growth] == [row.id for row in reversed(by_size)]
    assert rest == by_size[1:]


def test_a_scope_leaves_questions_out(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(3)))
    for other in (1, 2):
        say(session, seeded, flag(session, seeded, 0, other))

    def size(scope: Scope) -> int:
        found = ranking.ranked(session, seeded.forum.id, Ranking.SIZE, window_s=WEEK_S, scope=scope)
        return found[0].size if found else 0

    assert size(Scope(category="eggs")) == 2
    assert size(Scope(author="rosa")) == 3
    assert size(Scope(author="nobody")) == 0
    assert size(Scope(days=1)) == 0


def test_a_question_that_five_ask_within_the_hour_rises_once(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(6)))
    for other in range(1, 5):
        flag(session, seeded, other - 1, other)
    _ask_now(session, seeded, 1, 2, 3, 4)
    assert rising.rising(session, seeded.forum.id) == [], "four, with an old one"
    helped = NewOutcome(check_key=b"k", outcome=AskerDid.ANSWERED, candidate="q-1", score=0.9)
    outcomes.save(session, seeded.forum.id, helped)

    (found,) = rising.rising(session, seeded.forum.id)
    told = [rising.tell(session, seeded.forum.id, [found]) for _ in range(2)]

    assert (found.external_id, found.asked) == ("q-1", 5)
    assert told == [1, 0]
    (event,) = session.execute(select(Event).where(Event.kind == rising.KIND)).scalars()
    assert event.data == {"asked": 5, "window_h": 1.0}


def test_only_forums_with_something_new_are_looked_at(session: Session) -> None:
    seeded = seed_questions(session, "q 0", "q 1")
    pair_id = flag(session, seeded, 0, 1)
    asked = make_forum(session, "asked")
    save_questions(session, asked, "q 0")
    make_forum(session, "quiet")
    shown = NewOutcome(check_key=b"k", outcome=AskerDid.SHOWN, candidate="1", score=0.9)
    outcomes.save(session, asked.id, shown)

    assert rising.active(session) == [seeded.forum.id]
    session.execute(update(Pair).values(flagged_at=datetime.now(UTC) - timedelta(minutes=5)))
    assert rising.active(session, within_s=600) == [seeded.forum.id]
    assert rising.active(session, within_s=200) == []

    before = datetime.now(UTC) - timedelta(hours=1, minutes=1)
    session.execute(update(Pair).where(Pair.id == pair_id).values(flagged_at=before))
    outcomes.save(session, asked.id, replace(shown, outcome=AskerDid.ANSWERED))

    assert rising.active(session) == [asked.id]


def test_old_questions_do_not_rise(session: Session) -> None:
    seeded = seed_questions(session, *(f"q {n}" for n in range(8)))
    for other in range(1, 8):
        say(session, seeded, flag(session, seeded, 0, other))

    assert rising.rising(session, seeded.forum.id) == []
