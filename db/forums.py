"""Queries on forums."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import ForumNotFoundError
from db.rows import ForumRow
from db.tables.questions import Forum


def _row(forum: Forum) -> ForumRow:
    return ForumRow(
        id=forum.id,
        name=forum.name,
        title=forum.title,
        text_fields=forum.text_fields,
        threshold=forum.threshold,
        observe_only=forum.observe_only,
        pending_limit=forum.pending_limit,
        canonical_rule=forum.canonical_rule,
    )


def get_forum(session: Session, name: str) -> ForumRow:
    """Return the forum called *name*; raises `ForumNotFoundError`."""
    forum = session.execute(select(Forum).where(Forum.name == name)).scalar_one_or_none()
    if forum is None:
        raise ForumNotFoundError(name)
    return _row(forum)


def find_forums(session: Session, ids: set[int]) -> dict[int, ForumRow]:
    """Return the forums with these ids, by id."""
    found = session.execute(select(Forum).where(Forum.id.in_(ids))).scalars()
    return {forum.id: _row(forum) for forum in found}


def list_forums(session: Session) -> list[ForumRow]:
    """Return every forum, by name."""
    return [_row(forum) for forum in session.execute(select(Forum).order_by(Forum.name)).scalars()]


def ensure_forum(session: Session, name: str, *, title: str | None = None) -> ForumRow:
    """Return the forum called *name*, created when it is new."""
    session.execute(insert(Forum).values(name=name, title=title or name).on_conflict_do_nothing())
    return get_forum(session, name)


def update_forum(session: Session, name: str, **changes: object) -> ForumRow:
    """Change the given columns of a forum and return it; raises `ForumNotFoundError`."""
    session.execute(update(Forum).where(Forum.name == name).values(**changes))
    session.expire_all()
    return get_forum(session, name)
