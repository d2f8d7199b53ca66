"""What askers did about suggestions: each outcome, by score band, separately for two forums."""

from operator import attrgetter
from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.asking import outcomes
from db.asking.outcomes import AskerDid, NewOutcome
from db.errors import InvalidInputError
from db.questions import questions
from db.rows import PairStatus
from db.tables.outcomes import SuggestionOutcome
from tests.integration.db.two_forums import Calls, Crossed, TwoForums
from tests.rows.factories import make_forum, save_questions
from tests.rows.review import flag, say, seed_questions


def told(key: bytes, outcome: AskerDid, candidate: str | None = "q1", **more: object) -> NewOutcome:
    score = 0.93 if candidate is not None else None
    return NewOutcome(
        check_key=key,
        outcome=outcome,
        candidate=candidate,
        score=score,
        **more,  # type: ignore[arg-type]
    )


class TestTwoForums(TwoForums):
    module = outcomes
    calls: ClassVar[Calls] = {
        "save": lambda session, own: outcomes.save(session, own.id, told(b"key", AskerDid.OPENED)),
        "fates": lambda session, own: outcomes.fates(session, own.id),
        "forget": lambda session, own: outcomes.forget(session, own.id, "q1"),
    }
    crossed: ClassVar[Crossed] = {
        "save": (
            attrgetter("forum.name"),
            lambda session, own, thing: outcomes.save(
                session, own.id, told(b"key", AskerDid.OPENED, thing)
            ),
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"band_of", "forget_old"})


def test_the_same_outcome_counts_once(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "How do I boil an egg?")
    for _ in range(3):
        outcomes.save(session, forum.id, told(b"one", AskerDid.SHOWN, "1"))
        outcomes.save(session, forum.id, told(b"one", AskerDid.POSTED, None, asked_as="9"))

    assert len(session.execute(select(SuggestionOutcome)).all()) == 2


def test_a_check_is_deflected_when_it_was_answered_and_nothing_was_posted(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "How do I boil an egg?")
    for key in (b"answered", b"posted", b"both", b"left"):
        outcomes.save(session, forum.id, told(key, AskerDid.SHOWN, "1"))
    for key in (b"answered", b"both"):
        outcomes.save(session, forum.id, told(key, AskerDid.ANSWERED, "1"))
    for key in (b"posted", b"both"):
        outcomes.save(session, forum.id, told(key, AskerDid.POSTED, None, asked_as=key.decode()))

    found = outcomes.fates(session, forum.id)

    assert (found.checks, found.deflected, found.posted) == (4, 1, 2)
    (band,) = found.bands
    assert (band.low, band.shown, band.answered, band.different, band.posted) == (0.9, 4, 2, 0, 2)


@pytest.mark.parametrize("status", [PairStatus.DUPLICATE, PairStatus.RELATED])
def test_what_was_posted_all_the_same_is_followed_to_the_decision(
    session: Session, status: PairStatus
) -> None:
    seeded = seed_questions(session, "boil an egg", "egg boiling", "eggs, boiled")
    candidate, asked = (
        questions.list_questions(session, seeded.forum.id, after=0, limit=2)[n].external_id
        for n in (0, 1)
    )
    outcomes.save(session, seeded.forum.id, told(b"k", AskerDid.SHOWN, candidate))
    outcomes.save(session, seeded.forum.id, told(b"k", AskerDid.POSTED, None, asked_as=asked))
    say(session, seeded, flag(session, seeded, 0, 1), status)

    (band,) = outcomes.fates(session, seeded.forum.id).bands

    is_duplicate = status is PairStatus.DUPLICATE
    assert (band.confirmed, band.refused) == (int(is_duplicate), int(not is_duplicate))


def test_posted_is_about_the_check_and_everything_else_about_a_suggestion(session: Session) -> None:
    forum = make_forum(session)
    for wrong in (told(b"k", AskerDid.POSTED), told(b"k", AskerDid.SHOWN, None)):
        with pytest.raises(InvalidInputError):
            outcomes.save(session, forum.id, wrong)


def test_an_erased_question_is_forgotten_on_both_sides(session: Session) -> None:
    forum = make_forum(session)
    save_questions(session, forum, "How do I boil an egg?", "Boiling eggs, how?")
    outcomes.save(session, forum.id, told(b"k", AskerDid.SHOWN, "1"))
    outcomes.save(session, forum.id, told(b"k", AskerDid.POSTED, None, asked_as="2"))

    questions.erase(session, forum.id, "1", actor="key")
    questions.erase(session, forum.id, "2", actor="key")

    assert session.execute(select(SuggestionOutcome)).all() == []
