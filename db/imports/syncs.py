"""Queries on imports that are repeated: which are due, and how far the last run came."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import NotFoundError
from db.tables.archives import Sync

_ERROR_LENGTH = 300
_LEASE = timedelta(hours=6)
"""A run without a sign of life for so long counts as dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRow:
    """An import that is repeated, and how its last run ended."""

    id: int
    forum_id: int
    source: str
    options: Mapping[str, Any]
    every_s: int
    cursor: Mapping[str, Any]
    error: str | None
    archive_id: int | None
    due_at: datetime
    run_at: datetime | None


_COLUMNS = tuple(getattr(Sync, name) for name in SyncRow.__dataclass_fields__)


def add(
    session: Session, forum_id: int, source: str, *, options: Mapping[str, Any], every_s: int
) -> SyncRow:
    """Store a sync, due at once; one of the same source gets the new options and begins again."""
    values = {"options": dict(options), "every_s": every_s, "cursor": {}, "error": None}
    statement = insert(Sync).values(forum_id=forum_id, source=source, **values)
    stored = statement.on_conflict_do_update(
        index_elements=["forum_id", "source"],
        set_={**values, "due_at": func.clock_timestamp()},
    )
    return SyncRow(**session.execute(stored.returning(*_COLUMNS)).mappings().one())


def list_syncs(session: Session, forum_id: int | None = None) -> list[SyncRow]:
    """Return the syncs of a forum, or all."""
    statement = select(*_COLUMNS).order_by(Sync.id)
    if forum_id is not None:
        statement = statement.where(Sync.forum_id == forum_id)
    return [SyncRow(**row) for row in session.execute(statement).mappings()]


def remove(session: Session, sync_id: int) -> None:
    """Delete a sync; what it imported stays. Raises `NotFoundError`."""
    gone = session.execute(delete(Sync).where(Sync.id == sync_id).returning(Sync.id)).first()
    if gone is None:
        raise NotFoundError(f"there is no sync {sync_id}")


def is_due(session: Session) -> bool:
    """Return whether any sync is due."""
    due = select(Sync.id).where(Sync.due_at <= func.clock_timestamp()).limit(1)
    return session.execute(due).first() is not None


def claim(session: Session, sync_id: int | None = None) -> SyncRow | None:
    """Claim the sync that is due longest, or the named one even if it is not due.

    Returns None if there is none. No other process gets it until `finish`, or until the claim is
    hours old.
    """
    wanted = select(Sync.id).order_by(Sync.due_at).limit(1).with_for_update(skip_locked=True)
    if sync_id is None:
        wanted = wanted.where(Sync.due_at <= func.clock_timestamp())
    else:
        wanted = wanted.where(Sync.id == sync_id)
    found = session.execute(wanted).scalar_one_or_none()
    if found is None:
        return None
    now = func.clock_timestamp()
    claimed = update(Sync).where(Sync.id == found).values(due_at=now + _LEASE, run_at=now)
    return SyncRow(**session.execute(claimed.returning(*_COLUMNS)).mappings().one())


def finish(
    session: Session,
    row: SyncRow,
    *,
    cursor: Mapping[str, Any],
    archive_id: int | None = None,
    error: str | None = None,
) -> None:
    """Note how a run ended and where it left off, and when the next one is due."""
    values: dict[str, Any] = {
        "cursor": dict(cursor),
        "error": None if error is None else error.replace("\0", "")[:_ERROR_LENGTH],
        "due_at": func.clock_timestamp() + timedelta(seconds=row.every_s),
    }
    if archive_id is not None:
        values["archive_id"] = archive_id
    session.execute(update(Sync).where(Sync.id == row.id).values(values))
