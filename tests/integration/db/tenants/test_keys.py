"""API keys."""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from sqlalchemy.orm import Session

from db.errors import InvalidInputError, NotFoundError
from db.tenants import keys
from tests.integration.db.two_forums import Calls, Side, TwoForums
from tests.rows.factories import make_forum


def _id(session: Session, own: Side) -> int:
    found = keys.find_key(session, own.key)
    assert found is not None
    return found.id


class TestTwoForums(TwoForums):
    module = keys
    calls: ClassVar[Calls] = {
        "create_key": lambda session, own: keys.create_key(
            session, name="new", forum_ids=[own.id], scopes=["submit"]
        ),
        "find_key": lambda session, own: keys.find_key(session, own.key),
        "note_use": lambda session, own: keys.note_use(
            session, _id(session, own), every=timedelta(0)
        ),
        "rotate_key": lambda session, own: keys.rotate_key(
            session, own.key[:11], keep=timedelta(hours=1)
        ),
        "revoke_key": lambda session, own: keys.revoke_key(session, own.key[:11]),
    }
    service_wide: ClassVar[frozenset[str]] = frozenset({"list_keys"})


PAGE = "https://forum.example"


def make(session: Session, *scopes: str, **given: object) -> str:
    forum = make_forum(session)
    return keys.create_key(session, name="k", forum_ids=[forum.id], scopes=scopes, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scopes", "given"),
    [(("submit", "review"), {}), (("ask",), {"origins": [PAGE, "http://localhost:8080"]})],
)
def test_a_new_key_has_the_rights_of_the_one_that_it_replaces(
    session: Session, scopes: tuple[str, ...], given: dict[str, object]
) -> None:
    secret = make(session, *scopes, **given)
    old = keys.find_key(session, secret)

    new = keys.find_key(session, keys.rotate_key(session, secret[:11], keep=timedelta(hours=1)))

    assert old is not None
    assert new is not None
    assert (new.scopes, new.forums, new.origins) == (old.scopes, old.forums, old.origins)
    assert keys.find_key(session, secret) is not None


def test_a_key_that_has_ended_is_not_replaced_by_one_that_has_ended_too(session: Session) -> None:
    secret = make(session, "submit", expires_at=datetime.now(UTC) - timedelta(hours=1))

    with pytest.raises(NotFoundError, match="no valid key"):
        keys.rotate_key(session, secret[:11], keep=timedelta(hours=1))


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        (PAGE, PAGE),
        ("HTTPS://Forum.Example/", PAGE),
        ("https://forum.example:443", PAGE),
        ("http://forum.example:80", "http://forum.example"),
        ("https://forum.example:80", "https://forum.example:80"),
        ("http://forum.example:443", "http://forum.example:443"),
        ("https://forum.example:4430", "https://forum.example:4430"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::80]", "http://[::80]"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(session: Session, origin: str, kept: str) -> None:
    found = keys.find_key(session, make(session, "ask", origins=[origin]))

    assert found is not None
    assert found.origins == {kept}


@pytest.mark.parametrize(
    "origin",
    ["", "forum.example", "ftp://forum.example", f"{PAGE}/ask", "https://", f"{PAGE}:x", "null"],
)
def test_what_is_no_origin_is_refused_by_its_name(session: Session, origin: str) -> None:
    with pytest.raises(InvalidInputError, match="is not an origin"):
        make(session, "ask", origins=[origin])
