"""Writes one forum with all that it owns into one file, for another installation."""

from datetime import UTC, datetime
from typing import Any, BinaryIO

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from db.archives.archives import ArchiveState
from db.errors import ConflictError
from db.keeping.backup import Kept
from db.keeping.copying import Say, copy_out, names_of
from db.keeping.forum_parts import PARTS, Part
from db.keeping.stream import END, FORMAT, MANIFEST, Writer
from db.tables.archives import Archive
from db.tenants import forums, people
from db.vectors import models

_EMBEDDINGS = next(part for part in PARTS if part.table == "embeddings")


def write_forum(
    engine: Engine,
    name: str,
    target: BinaryIO,
    *,
    about: dict[str, Any],
    say: Say = lambda _table, _size: None,
) -> Kept:
    """Write the forum called *name* to *target*, as it is at one moment, and return what it has.

    Raises `ForumNotFoundError`, and `ConflictError` while one of its archives is worked on.
    """
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        manifest, forum_id = _manifest(connection, name)
        writer = Writer(target)
        writer.add_json(MANIFEST, manifest | about)
        end = {part.table: _copy(connection, writer, part, forum_id, say) for part in PARTS}
        writer.add_json(END, {"tables": end})
        writer.close()
    rows = {table: int(held["rows"]) for table, held in end.items()}
    size = sum(int(held["size"]) for held in end.values())
    return Kept(revision=manifest["revision"], rows=rows, size=size)


def _manifest(connection: Connection, name: str) -> tuple[dict[str, Any], int]:
    session = Session(connection)
    forum = forums.get_forum(session, name)
    _refuse_work(session, forum.id)
    known = models.list_models(session)
    manifest = {
        "format": FORMAT,
        "forum": name,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": MigrationContext.configure(connection).get_current_revision(),
        "models": [
            {
                field: getattr(one, field)
                for field in ("id", "kind", "name", "digest", "dimension", "active")
            }
            for one in known
        ],
        "people": [
            {"name": one.name, "role": one.role} for one in people.members(session, forum.id)
        ],
        "ids": {part.table: _range(connection, part, forum.id) for part in PARTS if part.has_ids},
        "tables": {part.table: part.columns for part in PARTS},
        "vectors": connection.exec_driver_sql(_EMBEDDINGS.query(forum.id, "count(*)")).scalar_one(),
    }
    return manifest, forum.id


def _refuse_work(session: Session, forum_id: int) -> None:
    is_at_work = Archive.state.in_((ArchiveState.RUNNING, ArchiveState.PAUSED))
    found = session.execute(
        select(Archive.id).where(Archive.forum_id == forum_id, is_at_work).limit(1)
    ).scalar_one_or_none()
    if found is not None:
        raise ConflictError(
            f"archive {found} of this forum is still being worked on: wait for its end, or run"
            f" `askedbefore archives cancel {found}` first"
        )


def _range(connection: Connection, part: Part, forum_id: int) -> list[int] | None:
    found = connection.exec_driver_sql(part.query(forum_id, "min(id), max(id)")).one()
    return None if found[0] is None else [found[0], found[1]]


def _copy(
    connection: Connection, writer: Writer, part: Part, forum_id: int, say: Say
) -> dict[str, int | str]:
    query = part.query(forum_id, names_of(part.columns))
    return copy_out(connection, writer, part.table, query, say)
