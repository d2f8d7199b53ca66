"""Queries on forums."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, bindparam, case, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.engine import run_alone
from db.errors import ConflictError, ForumNotFoundError
from db.rows import Rung, SearchScope, Within
from db.tables.calibrations import ForumCalibration
from db.tables.questions import Forum
from db.tenants.rows import AuthorNames, CalibrationRow, ForumRow

_CALIBRATION = "calibration_"
_CHANGED_TYPES = {"calibration", "rung", "scope", "author_names", "author_salt"}
_AS_STORED = tuple(name for name in ForumRow.__dataclass_fields__ if name not in _CHANGED_TYPES)
# From tables, not from mapped classes, and by id without SQLAlchemy: it runs for every question.
_FORUMS = select(
    Forum.__table__,
    *(
        ForumCalibration.__table__.c[name].label(_CALIBRATION + name)
        for name in CalibrationRow.__dataclass_fields__
    ),
).outerjoin_from(
    Forum,
    ForumCalibration,
    and_(ForumCalibration.forum_id == Forum.id, ForumCalibration.ended_at.is_(None)),
)
_NAMES = tuple(str(column.key) for column in _FORUMS.selected_columns)
_BY_ID = f"{_FORUMS} WHERE forums.id = ANY(%(ids)s)"
_HELD = select(Forum.id).where(Forum.id == bindparam("id")).with_for_update(read=True)


def calibration_row(found: ForumCalibration) -> CalibrationRow:
    """Return a version of a calibration as a record."""
    names = CalibrationRow.__dataclass_fields__
    return CalibrationRow(**{name: getattr(found, name) for name in names})


def _row(forum: Mapping[str, Any] | RowMapping) -> ForumRow:
    learnt = {name: forum[_CALIBRATION + name] for name in CalibrationRow.__dataclass_fields__}
    return ForumRow(
        **{name: forum[name] for name in _AS_STORED},
        author_salt=UUID(str(forum["author_salt"])),
        calibration=CalibrationRow(**learnt) if learnt["id"] is not None else None,
        rung=Rung(forum["rung"]),
        scope=SearchScope(days=forum["search_days"], within=Within(forum["search_within"])),
        author_names=AuthorNames(forum["author_names"]),
    )


def get_forum(session: Session, name: str) -> ForumRow:
    """Return the forum called *name*; raises `ForumNotFoundError`."""
    found = session.execute(_FORUMS.where(Forum.name == name)).mappings().one_or_none()
    if found is None:
        raise ForumNotFoundError(name)
    return _row(found)


def find_forums(session: Session, ids: set[int]) -> dict[int, ForumRow]:
    """Return the forums with these ids, by id."""
    found = run_alone(session, _BY_ID, {"ids": list(ids)})
    return {row.id: row for row in (_row(dict(zip(_NAMES, one, strict=True))) for one in found)}


def list_forums(session: Session) -> list[ForumRow]:
    """Return every forum, by name."""
    return list(map(_row, session.execute(_FORUMS.order_by(Forum.name)).mappings()))


def ensure_forum(session: Session, name: str, *, title: str | None = None) -> ForumRow:
    """Return the forum called *name*; it is created if it is new.

    In a new forum the models read the body of a question too, if there is one, because it often
    says more than the title.
    """
    new = {"name": name, "title": title or name, "text_fields": "title_body"}
    session.execute(insert(Forum).values(new).on_conflict_do_nothing())
    return get_forum(session, name)


def create_forum(session: Session, name: str, *, title: str | None = None) -> ForumRow:
    """Create a forum and return it; raises `ConflictError` if there is one of this name."""
    if session.execute(select(Forum.id).where(Forum.name == name)).one_or_none() is not None:
        raise ConflictError(f"there is a forum {name!r} already")
    return ensure_forum(session, name, title=title)


def delete_forum(session: Session, name: str) -> None:
    """Delete a forum with all that belongs to it; raises `ForumNotFoundError`."""
    session.execute(text("SET LOCAL statement_timeout = 0"))  # millions of rows may go with it
    gone = session.execute(delete(Forum).where(Forum.name == name).returning(Forum.id)).all()
    if not gone:
        raise ForumNotFoundError(name)


def update_forum(session: Session, name: str, **changes: object) -> ForumRow:
    """Change the given columns of a forum and return it; raises `ForumNotFoundError`.

    A forum is on the lowest rung if, and only if, it only observes.
    """
    if "observe_only" in changes and "rung" not in changes:
        left = case((Forum.rung == Rung.LOG, Rung.QUEUE), else_=Forum.rung)
        changes["rung"] = Rung.LOG if changes["observe_only"] else left
    session.execute(update(Forum).where(Forum.name == name).values(**changes))
    session.expire_all()
    return get_forum(session, name)


def lock(session: Session, name: str) -> ForumRow:
    """Return a forum, locked against changes and scoring until this transaction ends.

    Raises `ForumNotFoundError`.
    """
    statement = select(Forum.id).where(Forum.name == name).with_for_update(key_share=True)
    session.execute(statement)
    return get_forum(session, name)


def hold(session: Session, forum_id: int) -> ForumRow:
    """Return a forum that cannot be changed until this transaction ends; others may hold it too."""
    session.connection().execute(_HELD, {"id": forum_id})
    return find_forums(session, {forum_id})[forum_id]
