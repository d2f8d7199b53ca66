"""What was erased stays away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import QuestionOutdatedError
from db.questions import erasures, questions, saving
from db.questions.rows import NewQuestion, Outcome
from db.tables.questions import ErasedQuestion
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question

DAY = datetime(2024, 5, 1, tzinfo=UTC)


def version(
    revision: int | None = None, *, days: int | None = None, title: str = "Why?"
) -> NewQuestion:
    edited_at = None if days is None else DAY + timedelta(days=days)
    question = new_question(title)
    digest = f"{title}{revision}{days}".encode()
    return replace(question, revision=revision, edited_at=edited_at, content_digest=digest)


class TestTwoForums(TwoForums):
    module = erasures
    calls: ClassVar[Calls] = {
        "note": lambda session, own: erasures.note(session, own.id, "q9", revision=3),
        "newer": lambda session, own: erasures.newer(session, own.forum.id, [version(1)]),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"is_older", "digest_of"})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (version(2), version(1, title="Why not?"), Outcome.OLDER),
        (version(1), version(2, title="Why not?"), Outcome.CHANGED),
        (version(1), version(1, title="Why not?"), Outcome.CHANGED),
        (version(days=2), version(days=1, title="Why not?"), Outcome.OLDER),
        (version(days=1), version(days=2, title="Why not?"), Outcome.CHANGED),
        (version(2, days=1), version(1, days=2, title="Why not?"), Outcome.OLDER),
        (version(2), version(title="Why not?"), Outcome.CHANGED),
        (version(2), version(days=1, title="Why not?"), Outcome.CHANGED),
    ],
)
def test_an_older_version_never_overwrites_a_newer_one(
    session: Session, first: NewQuestion, second: NewQuestion, expected: Outcome
) -> None:
    forum = make_forum(session)
    saving.save(session, forum, [first], lane=Lane.LIVE)

    (saved,) = saving.save(session, forum, [second], lane=Lane.LIVE)

    assert saved.outcome is expected


def test_an_edit_that_names_no_version_keeps_the_one_that_is_known(session: Session) -> None:
    forum = make_forum(session)
    saving.save(session, forum, [version(5)], lane=Lane.LIVE)
    saving.save(session, forum, [version(title="Why not?")], lane=Lane.LIVE)

    with pytest.raises(QuestionOutdatedError):
        saving.put(session, forum, version(4, title="What?"), lane=Lane.LIVE)


@pytest.mark.parametrize(
    ("erased", "late", "comes_back"),
    [
        ({"revision": 4}, version(3), False),
        ({"revision": 4}, version(4), False),
        ({"revision": 4}, version(5), True),
        ({"edited_at": DAY + timedelta(days=3)}, version(days=2), False),
        ({"edited_at": DAY + timedelta(days=3)}, version(days=4), True),
        ({}, version(days=2), False),
        ({}, version(), True),
    ],
)
def test_a_late_put_does_not_revive_what_was_erased_after_it(
    session: Session, erased: dict[str, object], late: NewQuestion, comes_back: bool
) -> None:
    forum = make_forum(session)
    saving.save(session, forum, [version(days=1)], lane=Lane.LIVE)
    questions.erase(session, forum.id, "1", actor="forum", **erased)  # type: ignore[arg-type]

    (saved,) = saving.save(session, forum, [late], lane=Lane.LIVE)

    assert saved.outcome is (Outcome.CREATED if comes_back else Outcome.OLDER)
    assert session.scalars(select(ErasedQuestion.id_digest)).all() == [erasures.digest_of("1")]


def test_of_an_erased_question_nothing_readable_is_kept(session: Session) -> None:
    forum = make_forum(session)
    saving.save(session, forum, [new_question("Why?", external_id="ana@forum")], lane=Lane.LIVE)

    questions.erase(session, forum.id, "ana@forum", actor="forum")

    (row,) = session.execute(select(ErasedQuestion)).scalars()
    assert b"ana" not in row.id_digest
