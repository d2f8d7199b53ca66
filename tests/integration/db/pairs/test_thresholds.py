"""A forum's threshold."""

from typing import ClassVar

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.pairs import thresholds
from db.rows import PairKind, PairStatus
from db.tables.pairs import Event, Pair
from db.tenants import forums
from db.tenants.rows import ForumRow
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.review import Seeded, flag, say, seed_questions


class TestTwoForums(TwoForums):
    module = thresholds
    calls: ClassVar[Calls] = {
        "in_force": lambda session, own: thresholds.in_force(session, own.forum),
        "chosen_by": lambda session, own: thresholds.chosen_by(session, own.forum),
        "apply": lambda session, own: thresholds.apply(
            session, own.forum, 0.95, chosen=0.95, observe_only=True, actor="ana"
        ),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"own"})


SCORES = (0.95, 0.9, 0.8, 0.7, 0.6)


@pytest.fixture
def eggs(session: Session) -> Seeded:
    """Five flagged pairs of ten questions, the surest first."""
    seeded = seed_questions(session, *(f"How do I boil {n} eggs?" for n in range(10)))
    for place, score in enumerate(SCORES):
        flag(session, seeded, 2 * place, 2 * place + 1, score=score)
    return seeded


def put(
    session: Session, seeded: Seeded, threshold: float, *, observe_only: bool = False
) -> thresholds.Applied:
    forum = forums.get_forum(session, seeded.forum.name)
    return thresholds.apply(
        session, forum, threshold, chosen=threshold, observe_only=observe_only, actor="ana"
    )


def statuses(session: Session) -> list[str]:
    found = session.execute(select(Pair.status).order_by(Pair.score.desc()))
    return list(found.scalars())


def fresh(session: Session, seeded: Seeded) -> ForumRow:
    return forums.get_forum(session, seeded.forum.name)


@pytest.mark.parametrize(
    ("threshold", "flagged"), [(0.5, 5), (0.7, 4), (0.75, 3), (0.9, 2), (0.951, 0)]
)
def test_pairs_at_the_threshold_or_above_stay_flagged(
    session: Session, eggs: Seeded, threshold: float, flagged: int
) -> None:
    applied = put(session, eggs, threshold)

    assert statuses(session) == ["flagged"] * flagged + ["withdrawn"] * (5 - flagged)
    assert applied == thresholds.Applied(shown=0, hidden=5 - flagged)


def test_what_a_threshold_hid_a_lower_one_shows_and_twice_changes_nothing(
    session: Session, eggs: Seeded
) -> None:
    put(session, eggs, 0.85)
    versions = session.execute(select(Pair.id, Pair.version).order_by(Pair.id)).all()

    assert put(session, eggs, 0.85) == thresholds.Applied(shown=0, hidden=0)
    now = session.execute(select(Pair.id, Pair.version).order_by(Pair.id)).all()
    assert now == versions
    assert put(session, eggs, 0.65) == thresholds.Applied(shown=2, hidden=0)


def test_pairs_that_people_decided_on_stay_as_they_are(session: Session, eggs: Seeded) -> None:
    ids = list(session.execute(select(Pair.id).order_by(Pair.score)).scalars())
    say(session, eggs, ids[0], PairStatus.DUPLICATE)
    say(session, eggs, ids[-1], PairStatus.NOT_DUPLICATE)

    put(session, eggs, 0.99)

    assert statuses(session) == ["not_duplicate", *["withdrawn"] * 3, "duplicate"]


@pytest.mark.parametrize("kind", [PairKind.KNOWN, PairKind.JOINED])
def test_pairs_that_no_model_found_have_no_threshold(
    session: Session, eggs: Seeded, kind: PairKind
) -> None:
    session.execute(update(Pair).values(kind=kind))

    assert put(session, eggs, 0.99) == thresholds.Applied(shown=0, hidden=0)


def test_a_forum_that_only_observes_flags_nothing(session: Session, eggs: Seeded) -> None:
    assert put(session, eggs, 0.75, observe_only=True) == thresholds.Applied(shown=3, hidden=2)
    assert statuses(session) == ["observed"] * 3 + ["withdrawn"] * 2

    assert put(session, eggs, 0.75) == thresholds.Applied(shown=3, hidden=0)


def test_who_chose_the_threshold_is_told(session: Session, eggs: Seeded) -> None:
    assert thresholds.chosen_by(session, fresh(session, eggs)) is None

    put(session, eggs, 0.75)
    assert thresholds.chosen_by(session, fresh(session, eggs)) == "ana"
    assert thresholds.in_force(session, fresh(session, eggs)) == pytest.approx(0.75)

    forums.update_forum(session, eggs.forum.name, threshold=0.6)
    assert thresholds.chosen_by(session, fresh(session, eggs)) == "an operator"


def test_a_change_is_one_event_with_what_it_did(session: Session, eggs: Seeded) -> None:
    put(session, eggs, 0.75)

    told = session.execute(select(Event.data).where(Event.kind == "forum.threshold")).scalars()

    assert list(told) == [{"threshold": 0.75, "observe_only": False, "shown": 0, "hidden": 2}]


def test_without_models_the_threshold_is_one_half(session: Session, eggs: Seeded) -> None:
    assert thresholds.in_force(session, fresh(session, eggs)) == 0.5
