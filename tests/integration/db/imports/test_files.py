"""The same file again."""

from datetime import UTC, datetime
from typing import ClassVar

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from db.archives import archives
from db.archives.archives import ArchiveState
from db.imports import files, loading
from db.questions import questions, saving
from db.tables.questions import Question
from db.tenants.rows import ForumRow
from db.work.rows import Lane
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum, new_question


class TestTwoForums(TwoForums):
    module = files
    calls: ClassVar[Calls] = {
        "note": lambda session, own: files.note(session, own.archive, b"d"),
        "find_same": lambda session, own: files.find_same(session, own.id, "of alpha", b"d"),
    }


@pytest.fixture
def forum(session: Session) -> ForumRow:
    return make_forum(session)


@pytest.fixture
def archive(session: Session, forum: ForumRow) -> int:
    made = archives.create(session, forum.id, name="old", form="csv", top_k=5).id
    loading.load(session, forum, made, [new_question("Why?")])
    archives.change(session, made, loaded_at=datetime.now(UTC), stage="done", state="done")
    files.note(session, made, b"digest")
    return made


def test_the_same_file_is_known_until_something_changes(
    session: Session, forum: ForumRow, archive: int
) -> None:
    assert files.find_same(session, forum.id, "old", b"digest") == archive
    assert files.find_same(session, forum.id, "old", b"another") is None
    assert files.find_same(session, forum.id, "new", b"digest") is None
    saving.save(session, forum, [new_question("New?", external_id="2")], lane=Lane.LIVE)
    assert files.find_same(session, forum.id, "old", b"digest") == archive


def test_an_edit_makes_the_file_worth_reading(
    session: Session, forum: ForumRow, archive: int
) -> None:
    assert archive
    session.execute(update(Question).values(updated_at=func.clock_timestamp()))

    assert files.find_same(session, forum.id, "old", b"digest") is None


def test_an_erasure_makes_the_file_worth_reading(
    session: Session, forum: ForumRow, archive: int
) -> None:
    assert archive
    questions.erase(session, forum.id, "1", actor="forum")

    assert files.find_same(session, forum.id, "old", b"digest") is None


def test_a_cancelled_archive_is_read_again(session: Session, forum: ForumRow, archive: int) -> None:
    archives.change(session, archive, state=ArchiveState.CANCELLED)

    assert files.find_same(session, forum.id, "old", b"digest") is None
