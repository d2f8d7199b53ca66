"""Queries on forums."""

from sqlalchemy import and_, case, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import ConflictError, ForumNotFoundError
from db.rows import Rung, SearchScope, Within
from db.tables.calibrations import ForumCalibration
from db.tables.questions import Forum
from db.tenants.rows import AuthorNames, CalibrationRow, ForumRow

_FORUMS = (
    select(Forum, ForumCalibration)
    .outerjoin(
        ForumCalibration,
        and_(ForumCalibration.forum_id == Forum.id, ForumCalibration.ended_at.is_(None)),
    )
    # The session may have read an older state before.
    .execution_options(populate_existing=True)
)


def calibration_row(found: ForumCalibration) -> CalibrationRow:
    """Return a version of a calibration as a record."""
    names = CalibrationRow.__dataclass_fields__
    return CalibrationRow(**{name: getattr(found, name) for name in names})


def _row(forum: Forum, calibration: ForumCalibration | None) -> ForumRow:
    return ForumRow(
        id=forum.id,
        name=forum.name,
        title=forum.title,
        text_fields=forum.text_fields,
        threshold=forum.threshold,
        observe_only=forum.observe_only,
        pending_limit=forum.pending_limit,
        canonical_rule=forum.canonical_rule,
        canonical_by=forum.canonical_by,
        calibration=calibration_row(calibration) if calibration is not None else None,
        rung=Rung(forum.rung),
        grace_h=forum.grace_h,
        wanted_precision=forum.wanted_precision,
        act_threshold=forum.act_threshold,
        scope=SearchScope(days=forum.search_days, within=Within(forum.search_within)),
        author_names=AuthorNames(forum.author_names),
        author_salt=forum.author_salt,
        keep_questions_days=forum.keep_questions_days,
        keep_authors_days=forum.keep_authors_days,
        keep_events_days=forum.keep_events_days,
        keep_decisions_days=forum.keep_decisions_days,
    )


def get_forum(session: Session, name: str) -> ForumRow:
    """Return the forum called *name*; raises `ForumNotFoundError`."""
    found = session.execute(_FORUMS.where(Forum.name == name)).one_or_none()
    if found is None:
        raise ForumNotFoundError(name)
    return _row(*found)


def find_forums(session: Session, ids: set[int]) -> dict[int, ForumRow]:
    """Return the forums with these ids, by id."""
    found = session.execute(_FORUMS.where(Forum.id.in_(ids)))
    return {row.id: row for row in (_row(*pair) for pair in found)}


def list_forums(session: Session) -> list[ForumRow]:
    """Return every forum, by name."""
    return [_row(*pair) for pair in session.execute(_FORUMS.order_by(Forum.name))]


def ensure_forum(session: Session, name: str, *, title: str | None = None) -> ForumRow:
    """Return the forum called *name*; it is created if it is new.

    The models read the bodies of a new forum's questions, where there are any: they are the
    cheapest evidence of what a question means.
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

    A forum that only observes is on the lowest rung, and one that does not is not.
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
    statement = select(Forum.id).where(Forum.id == forum_id).with_for_update(read=True)
    session.execute(statement)
    return find_forums(session, {forum_id})[forum_id]
