"""Which questions are gone since the last archive of a name."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import ClassVar

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.archives import archives
from db.imports import loading, sightings
from db.questions import questions, saving
from db.tables.archives import ArchiveSighting
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question


class TestTwoForums(TwoForums):
    module = sightings
    calls: ClassVar[Calls] = {
        "note": lambda session, own: sightings.note(session, own.archive, 5, own.questions),
        "settle": lambda session, own: sightings.settle(session, own.id, own.archive),
        "gone": lambda session, own: sightings.gone(session, own.id, own.archive),
        "drop": lambda session, own: sightings.drop(session, own.archive),
        "seen": lambda session, own: sightings.seen(session, own.archive),
        "forget_earlier": lambda session, own: sightings.forget_earlier(
            session, own.id, own.archive
        ),
    }


@pytest.fixture
def forum(session: Session) -> ForumRow:
    return make_forum(session)


def import_(
    session: Session,
    forum: ForumRow,
    *batches: Sequence[str],
    name: str = "old",
    is_complete: bool = True,
) -> int:
    archive = archives.create(session, forum.id, name=name, form="csv", top_k=5)
    for position, batch in enumerate(batches, start=1):
        items = [new_question(f"Why {one}?", external_id=one) for one in batch]
        loading.load(session, forum, archive.id, items, position=position)
    if is_complete:
        archives.change(session, archive.id, loaded_at=datetime.now(UTC))
    return archive.id


def gone(session: Session, forum: ForumRow, archive_id: int) -> list[str]:
    count, _ = sightings.settle(session, forum.id, archive_id)
    names = [name for _, name in sightings.gone(session, forum.id, archive_id)]
    assert len(names) == count
    return sorted(names)


def test_what_an_archive_of_the_same_name_had_before_is_gone(
    session: Session, forum: ForumRow
) -> None:
    import_(session, forum, ["a", "b"], ["c"])
    import_(session, forum, ["x"], name="another")

    second = import_(session, forum, ["b"], ["new"])

    assert gone(session, forum, second) == ["a", "c"]


def test_questions_of_the_api_are_missed_once_an_archive_had_them(
    session: Session, forum: ForumRow
) -> None:
    for name in ("live", "unseen"):
        item = new_question(f"Why {name}?", external_id=name)
        saving.save(session, forum, [item], lane=Lane.LIVE)
    import_(session, forum, ["a", "live"])

    second = import_(session, forum, ["a"])

    assert gone(session, forum, second) == ["live"]


def test_an_archive_that_was_broken_off_says_nothing_of_what_is_gone_but_what_it_brought_does(
    session: Session, forum: ForumRow
) -> None:
    import_(session, forum, ["a", "b"])
    import_(session, forum, ["b", "c"], is_complete=False)

    third = import_(session, forum, ["a", "b"])

    assert gone(session, forum, third) == ["c"]


def test_what_is_gone_twice_is_told_until_it_is_erased(session: Session, forum: ForumRow) -> None:
    import_(session, forum, ["a", "b"])
    import_(session, forum, ["a"])
    third = import_(session, forum, ["a"])
    assert gone(session, forum, third) == ["b"]

    questions.erase(session, forum.id, "b", actor="forum")

    assert sightings.gone(session, forum.id, third) == []
    assert gone(session, forum, import_(session, forum, ["a"])) == []


def test_pages_of_what_is_gone_go_on_behind_a_question(session: Session, forum: ForumRow) -> None:
    import_(session, forum, [f"q{n}" for n in range(7)])
    second = import_(session, forum, [])
    sightings.settle(session, forum.id, second)

    pages: list[list[str]] = []
    after = 0
    while page := sightings.gone(session, forum.id, second, after=after, limit=3):
        pages.append([name for _, name in page])
        after = page[-1][0]

    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(chain(*pages)) == [f"q{n}" for n in range(7)]


def test_only_the_newest_archive_of_a_name_keeps_what_it_saw(
    session: Session, forum: ForumRow
) -> None:
    import_(session, forum, ["a"])
    other = import_(session, forum, ["x"], name="another")
    last = import_(session, forum, ["a"])

    sightings.forget_earlier(session, forum.id, last)

    kept = select(func.array_agg(ArchiveSighting.archive_id.distinct()))
    assert sorted(session.execute(kept).scalar_one()) == [other, last]
