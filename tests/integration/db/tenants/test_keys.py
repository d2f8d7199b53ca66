"""API keys."""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy.orm import Session

from db.tenants import keys
from tests.integration.db.two_forums import Calls, Side, TwoForums


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
