"""Connectors of two forums."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from sqlalchemy.orm import Session

from db.connecting import connectors
from db.connecting.connectors import Backfill, ConnectorKind, Mode, NotCallableError, Wanted
from db.errors import NotFoundError
from tests.integration.db.two_forums import Calls, TwoForums
from tests.rows.factories import make_forum

WANTED = Wanted(kind=ConnectorKind.DISCOURSE, url="https://a.example", api_key="k", paths={})


class TestTwoForums(TwoForums):
    module = connectors
    calls: ClassVar[Calls] = {
        "put": lambda session, own: connectors.put(session, own.id, WANTED),
        "find": lambda session, own: connectors.find(session, own.id),
        "get": lambda session, own: connectors.get(session, own.id),
        "remove": lambda session, own: connectors.remove(session, own.id),
        "begin_backfill": lambda session, own: connectors.begin_backfill(session, own.id),
        "claim": lambda session, own: connectors.claim(session, own.id),
        "let_go": lambda session, own: connectors.let_go(session, own.id),
        "note_page": lambda session, own: connectors.note_page(
            session, own.id, 0, read=3, is_last=False
        ),
        "note_fault": lambda session, own: connectors.note_fault(session, own.id, "away"),
        "rest": lambda session, own: connectors.rest(session, own.id, seconds=3),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"list_callable"})


def connected(session: Session, forum: str = "cooks", **given: Any) -> int:
    """Make a forum with a connector, and return the forum's id."""
    forum_id = make_forum(session, forum).id
    connectors.put(session, forum_id, replace(WANTED, **given))
    return forum_id


def test_a_connector_that_is_put_again_keeps_its_secret_and_a_key_that_is_not_given(
    session: Session,
) -> None:
    forum_id = connected(session, tag="asked")
    before = connectors.get(session, forum_id)

    changed = replace(WANTED, api_key=None, mode=Mode.NOTE, categories=(3, 4), paths={"id": "$.n"})
    after = connectors.put(session, forum_id, changed)

    assert (after.secret, after.api_key) == (before.secret, "k")
    assert (after.mode, after.tag, after.categories) == (Mode.NOTE, None, [3, 4])
    assert after.paths == {"id": "$.n"}
    assert connectors.put(session, forum_id, replace(WANTED, api_key="new")).api_key == "new"


def test_secrets_of_two_forums_differ(session: Session) -> None:
    ids = connected(session), connected(session, "bakers")

    assert len({connectors.get(session, one).secret for one in ids}) == 2


def test_a_forum_without_a_connector_says_so(session: Session) -> None:
    forum_id = make_forum(session).id

    assert connectors.find(session, forum_id) is None
    assert connectors.claim(session, forum_id) is None
    for call in (connectors.get, connectors.remove, connectors.begin_backfill):
        with pytest.raises(NotFoundError, match="this forum has no connector"):
            call(session, forum_id)


def test_a_connector_that_is_removed_is_gone_with_its_secret(session: Session) -> None:
    forum_id = connected(session)
    before = connectors.get(session, forum_id)

    connectors.remove(session, forum_id)
    after = connectors.put(session, forum_id, WANTED)

    assert after.secret != before.secret


@pytest.mark.parametrize("missing", [{"url": None}, {"api_key": None}])
def test_a_forum_that_cannot_be_called_is_not_read_and_not_called(
    session: Session, missing: dict[str, Any]
) -> None:
    forum_id = connected(session, **missing)

    with pytest.raises(NotCallableError, match="has no address and no API key"):
        connectors.begin_backfill(session, forum_id)
    assert connectors.list_callable(session) == []


def test_only_one_worker_has_a_forum_until_it_lets_go(session: Session) -> None:
    forum_id = connected(session)

    assert connectors.claim(session, forum_id) is not None
    assert connectors.claim(session, forum_id) is None

    connectors.let_go(session, forum_id)
    assert connectors.claim(session, forum_id) is not None


def test_pages_of_old_questions_are_counted_once_each_up_to_the_last(session: Session) -> None:
    forum_id = connected(session)
    connectors.begin_backfill(session, forum_id)

    noted = [
        connectors.note_page(session, forum_id, page, read=30, is_last=page == 1)
        for page in (0, 0, 1, 2)
    ]

    found = connectors.get(session, forum_id)
    assert noted == [True, False, True, False]
    assert (found.backfill, found.page, found.read) == (Backfill.DONE, 2, 60)


def test_reading_begins_anew_and_forgets_the_fault(session: Session) -> None:
    forum_id = connected(session)
    connectors.begin_backfill(session, forum_id)
    connectors.note_page(session, forum_id, 0, read=30, is_last=False)
    connectors.note_fault(session, forum_id, "a\0way" + "!" * 600, ends_backfill=True)
    found = connectors.get(session, forum_id)
    assert (found.backfill, found.error) == (Backfill.FAILED, "away" + "!" * 496)
    assert not connectors.note_page(session, forum_id, 1, read=30, is_last=False)

    found = connectors.begin_backfill(session, forum_id)

    assert (found.backfill, found.page, found.read, found.error) == (Backfill.RUNNING, 0, 0, None)


def test_a_fault_alone_does_not_end_the_reading(session: Session) -> None:
    forum_id = connected(session)
    connectors.begin_backfill(session, forum_id)

    connectors.note_fault(session, forum_id, "away")

    assert connectors.get(session, forum_id).backfill is Backfill.RUNNING


def test_a_forum_that_asked_for_rest_is_not_called_until_then(session: Session) -> None:
    resting, other = connected(session), connected(session, "bakers")

    connectors.rest(session, resting, seconds=60)
    assert [one.forum_id for one in connectors.list_callable(session)] == [other]

    connectors.rest(session, resting, seconds=-1)
    assert [one.forum_id for one in connectors.list_callable(session)] == sorted((resting, other))
