"""Imports that are repeated."""

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.imports import syncs
from db.imports.syncs import SyncRow
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum


def make(session: Session, forum_id: int, source: str = "/srv/dump") -> SyncRow:
    return syncs.add(session, forum_id, source, options={"shape": "phpbb"}, every_s=3_600)


class TestTwoForums(TwoForums):
    module = syncs
    calls: ClassVar[Calls] = {
        "add": lambda session, own: make(session, own.id),
        "list_syncs": lambda session, own: syncs.list_syncs(session, own.id),
        "claim": lambda session, own: syncs.claim(session, make(session, own.id).id),
        "finish": lambda session, own: syncs.finish(session, make(session, own.id), cursor={}),
        "remove": lambda session, own: syncs.remove(session, make(session, own.id).id),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"is_due"})


def test_a_sync_is_due_at_once_and_again_after_its_interval(session: Session) -> None:
    made = make(session, make_forum(session).id)
    assert syncs.is_due(session)

    claimed = syncs.claim(session)

    assert claimed is not None
    assert claimed.id == made.id
    assert not syncs.is_due(session)
    assert syncs.claim(session) is None
    syncs.finish(session, claimed, cursor={"since": "now"}, archive_id=7)
    (row,) = syncs.list_syncs(session)
    assert (row.cursor, row.archive_id, row.error) == ({"since": "now"}, 7, None)
    assert timedelta(minutes=59) < row.due_at - datetime.now(UTC) < timedelta(minutes=61)


def test_a_run_that_failed_says_why_and_comes_again(session: Session) -> None:
    made = make(session, make_forum(session).id)

    syncs.finish(session, made, cursor={"a": 1}, error="x" * 999)

    (row,) = syncs.list_syncs(session)
    assert (row.cursor, row.error) == ({"a": 1}, "x" * 300)


def test_the_same_source_again_begins_anew(session: Session) -> None:
    forum = make_forum(session)
    made = make(session, forum.id)
    syncs.finish(session, made, cursor={"a": 1}, error="no")

    again = syncs.add(session, forum.id, made.source, options={}, every_s=60)

    assert attrgetter("id", "cursor", "error", "every_s")(again) == (made.id, {}, None, 60)
    assert syncs.is_due(session)


def test_what_is_not_there_cannot_be_removed(session: Session) -> None:
    with pytest.raises(NotFoundError):
        syncs.remove(session, 1_666_666_666)
