"""The process that reads an archive's file. An archive whose reader has died fails.

While a file is read, its reader notes every few seconds that it is alive. If it was killed, the
notes stop, and the sweep fails its archive: no archive stays unfinished for ever.
"""

from datetime import timedelta

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from db.archives import archives
from db.archives.archives import ArchiveNotFoundError, ArchiveRow, ArchiveState, Stage
from db.tables.archives import Archive

_ERROR_LENGTH = 300
_SILENT = timedelta(minutes=1)
_SILENT_BEFORE = timedelta(days=1)
"""For readers of an earlier version, which did not note that they were alive."""
_WENT_AWAY = "whoever read the file went away before its end: send it again"


def find_unloaded(session: Session, forum_id: int, name: str) -> ArchiveRow | None:
    """Return the newest archive of this name whose load was interrupted."""
    found = session.execute(
        select(Archive.id)
        .where(
            Archive.forum_id == forum_id,
            Archive.name == name,
            Archive.stage == Stage.LOAD,
            Archive.state != ArchiveState.CANCELLED,
        )
        .order_by(Archive.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return archives.get(session, found) if found is not None else None


def read_on(session: Session, archive_id: int) -> ArchiveRow:
    """Set the archive running for a caller that continues to read its file, and return it."""
    archives.change(
        session, archive_id, state=ArchiveState.RUNNING, error=None, attended_at=func.now()
    )
    return archives.get(session, archive_id)


def attend(session: Session, archive_id: int) -> ArchiveState:
    """Note that somebody is reading the archive's file, and return whether it is still wanted."""
    state = session.execute(
        update(Archive)
        .where(Archive.id == archive_id)
        .values(attended_at=func.clock_timestamp())
        .returning(Archive.state)
    ).scalar_one_or_none()
    if state is None:
        raise ArchiveNotFoundError(archive_id)
    return ArchiveState(state)


def fail(session: Session, archive_id: int, reason: str) -> None:
    """Note why reading the archive's file failed, unless it was stopped or is being read."""
    session.execute(
        update(Archive)
        .where(
            Archive.id == archive_id,
            Archive.state == ArchiveState.RUNNING,
            Archive.stage == Stage.LOAD,
        )
        .values(state=ArchiveState.FAILED, error=reason.replace("\0", "")[:_ERROR_LENGTH])
    )


def fail_unattended(session: Session) -> list[int]:
    """Fail the archives whose readers have ended without a report, and return them."""
    now = func.clock_timestamp()
    silent = or_(
        Archive.attended_at < now - _SILENT,
        and_(Archive.attended_at.is_(None), Archive.created_at < now - _SILENT_BEFORE),
    )
    found = session.execute(
        update(Archive)
        .where(Archive.state == ArchiveState.RUNNING, Archive.stage == Stage.LOAD, silent)
        .values(state=ArchiveState.FAILED, error=_WENT_AWAY)
        .returning(Archive.id)
    )
    return list(found.scalars())
