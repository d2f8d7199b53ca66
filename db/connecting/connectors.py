"""Queries on connectors: a forum has one or none."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.tables.connectors import Connector

ERROR_LENGTH = 500
_LEASE = timedelta(minutes=10)


class ConnectorKind(StrEnum):
    """What a forum's software is."""

    DISCOURSE = "discourse"
    GENERIC = "generic"


class Mode(StrEnum):
    """What is done about a duplicate."""

    CLOSE = "close"
    NOTE = "note"
    """Only a note tells the staff."""


class Backfill(StrEnum):
    """How far the old questions are read."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class NotCallableError(ConflictError):
    """This forum cannot be called: its connector has no address and no API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A connector as an admin describes it."""

    kind: ConnectorKind
    url: str | None = None
    api_key: str | None = None
    api_user: str | None = None
    mode: Mode = Mode.CLOSE
    tag: str | None = None
    paths: Mapping[str, str]
    categories: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRow(Wanted):
    """A stored connector."""

    forum_id: int
    secret: str
    backfill: Backfill
    page: int
    read: int
    error: str | None


_NAMES = tuple(field.name for field in fields(ConnectorRow))


def _row(found: Connector) -> ConnectorRow:
    values: dict[str, Any] = {name: getattr(found, name) for name in _NAMES}
    values |= {
        "kind": ConnectorKind(found.kind),
        "mode": Mode(found.mode),
        "backfill": Backfill(found.backfill),
    }
    return ConnectorRow(**values)


def put(session: Session, forum_id: int, wanted: Wanted) -> ConnectorRow:
    """Store a forum's connector; its secret stays the same, and so does a key that is not given."""
    values: dict[str, Any] = {field.name: getattr(wanted, field.name) for field in fields(Wanted)}
    values |= {"paths": dict(wanted.paths), "categories": list(wanted.categories)}
    new = insert(Connector).values(forum_id=forum_id, secret=secrets.token_urlsafe(32), **values)
    kept = {name: value for name, value in values.items() if (name, value) != ("api_key", None)}
    session.execute(new.on_conflict_do_update(index_elements=["forum_id"], set_=kept))
    return get(session, forum_id)


def find(session: Session, forum_id: int) -> ConnectorRow | None:
    """Return a forum's connector, if it has one."""
    found = session.execute(
        select(Connector)
        .where(Connector.forum_id == forum_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return _row(found) if found is not None else None


def get(session: Session, forum_id: int) -> ConnectorRow:
    """Return a forum's connector; raises `NotFoundError`."""
    found = find(session, forum_id)
    if found is None:
        raise NotFoundError("this forum has no connector")
    return found


def remove(session: Session, forum_id: int) -> None:
    """Remove a forum's connector; raises `NotFoundError`."""
    get(session, forum_id)
    session.execute(delete(Connector).where(Connector.forum_id == forum_id))


def begin_backfill(session: Session, forum_id: int) -> ConnectorRow:
    """Have the old questions read from the first page on.

    Raises `NotFoundError` and `NotCallableError`.
    """
    found = get(session, forum_id)
    if found.url is None or found.api_key is None:
        raise NotCallableError
    _update(session, forum_id, backfill=Backfill.RUNNING, page=0, read=0, error=None)
    return get(session, forum_id)


def list_callable(session: Session) -> list[ConnectorRow]:
    """Return the connectors of all forums that can be called now."""
    found = session.execute(
        select(Connector)
        .where(
            Connector.url.is_not(None),
            Connector.api_key.is_not(None),
            or_(Connector.rests_until.is_(None), Connector.rests_until <= func.clock_timestamp()),
        )
        .order_by(Connector.forum_id)
        .execution_options(populate_existing=True)
    )
    return [_row(one) for one in found.scalars()]


def claim(session: Session, forum_id: int) -> ConnectorRow | None:
    """Claim a forum, or return None if another worker has it or it has no connector."""
    now = func.clock_timestamp()
    is_free = or_(Connector.served_until.is_(None), Connector.served_until < now)
    taken = session.execute(
        update(Connector)
        .where(Connector.forum_id == forum_id, is_free)
        .values(served_until=now + _LEASE)
        .returning(Connector.forum_id)
        .execution_options(synchronize_session=False)
    )
    return find(session, forum_id) if taken.first() is not None else None


def let_go(session: Session, forum_id: int) -> None:
    """Release a forum, so that another worker can claim it."""
    _update(session, forum_id, served_until=None)


def note_page(session: Session, forum_id: int, page: int, *, read: int, is_last: bool) -> bool:
    """Note that a page of old questions is stored; return False if another process was first."""
    changed = session.execute(
        update(Connector)
        .where(
            Connector.forum_id == forum_id,
            Connector.page == page,
            Connector.backfill == Backfill.RUNNING,
        )
        .values(
            page=page + 1,
            read=Connector.read + read,
            backfill=Backfill.DONE if is_last else Backfill.RUNNING,
        )
        .returning(Connector.forum_id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


def note_fault(session: Session, forum_id: int, error: str, *, ends_backfill: bool = False) -> None:
    """Note why the forum could not be called."""
    values: dict[str, Any] = {"error": error.replace("\0", "")[:ERROR_LENGTH]}
    if ends_backfill:
        values["backfill"] = Backfill.FAILED
    _update(session, forum_id, **values)


def rest(session: Session, forum_id: int, *, seconds: float) -> None:
    """Call the forum no more for a while, as it asked."""
    until = func.clock_timestamp() + timedelta(seconds=seconds)
    _update(session, forum_id, rests_until=until)


def _update(session: Session, forum_id: int, **values: object) -> None:
    session.execute(
        update(Connector)
        .where(Connector.forum_id == forum_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
