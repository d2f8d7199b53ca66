"""Files that were imported before: whether the same file can have anything new."""

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from db.archives.archives import ArchiveState
from db.tables.archives import Archive
from db.tables.questions import ErasedQuestion, Question


def note(session: Session, archive_id: int, digest: bytes) -> None:
    """Note which file an archive was read from, once all of it is stored."""
    session.execute(update(Archive).where(Archive.id == archive_id).values(file_digest=digest))


def find_same(session: Session, forum_id: int, name: str, digest: bytes) -> int | None:
    """Return the archive of this name that has this file, if reading it again would change nothing.

    That is so if the archive was the last of its name and not cancelled, and no question of that
    time was edited or erased since.
    """
    last = session.execute(
        select(Archive.id, Archive.file_digest, Archive.loaded_at, Archive.state)
        .where(Archive.forum_id == forum_id, Archive.name == name)
        .order_by(Archive.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.loaded_at is None or last.file_digest != digest:
        return None
    if last.state not in {ArchiveState.RUNNING, ArchiveState.PAUSED, ArchiveState.DONE}:
        return None
    edited = exists().where(
        Question.forum_id == forum_id,
        Question.updated_at > last.loaded_at,
        Question.created_at <= last.loaded_at,
        Question.updated_at > Question.created_at,
    )
    erased = exists().where(
        ErasedQuestion.forum_id == forum_id, ErasedQuestion.erased_at > last.loaded_at
    )
    has_changed = session.execute(select(func.coalesce(edited | erased, False))).scalar_one()
    found: int = last.id
    return None if has_changed else found
