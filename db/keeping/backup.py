"""Copies the whole database into one file, as it was at one moment, while the service runs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from db.errors import ConflictError
from db.keeping.copying import Say, copy_out, names_of
from db.keeping.stream import END, FORMAT, MANIFEST, Writer
from db.vectors import partitions

LEFT_OUT = frozenset({"alembic_version", "heartbeats"})
"""The manifest has the schema's revision; old proofs of workers prove nothing."""

_TABLES = text("""
    SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname""")
_REFERENCES = text("""
    SELECT one.relname, other.relname FROM pg_constraint
    JOIN pg_class one ON one.oid = conrelid JOIN pg_class other ON other.oid = confrelid
    WHERE contype = 'f' AND one.relnamespace = current_schema()::regnamespace
    AND one.relname <> other.relname""")
_COLUMNS = text("""
    SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum > 0
    AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""")
_COUNTERS = text("""
    SELECT sequencename, last_value FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a backup contains."""

    revision: str
    rows: dict[str, int]
    size: int
    """Bytes before compression."""


def write_backup(
    engine: Engine,
    target: BinaryIO,
    *,
    about: dict[str, Any],
    say: Say = lambda _table, _size: None,
) -> Kept:
    """Write every table to *target* and return what was written.

    All of it is from one moment: one transaction reads it, and nothing waits for it. *about* is
    kept in the manifest. Raises `ConflictError` if the database has no schema of ours.
    """
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        manifest = _manifest(connection, about)
        writer = Writer(target)
        writer.add_json(MANIFEST, manifest)
        end = {
            table: copy_out(connection, writer, table, _all_of(table, columns), say)
            for table, columns in manifest["tables"].items()
        }
        writer.add_json(END, {"tables": end})
        writer.close()
    rows = {table: int(held["rows"]) for table, held in end.items()}
    size = sum(int(held["size"]) for held in end.values())
    return Kept(revision=manifest["revision"], rows=rows, size=size)


def _manifest(connection: Connection, about: dict[str, Any]) -> dict[str, Any]:
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise ConflictError("there is nothing to back up: run `askedbefore migrate` first")
    names = in_order_of_references(connection)
    models = connection.execute(
        text("SELECT id, kind, name, digest, dimension, active FROM models ORDER BY id")
    )
    return {
        "format": FORMAT,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": revision,
        "postgres": connection.exec_driver_sql("SHOW server_version").scalar_one(),
        "models": [dict(row._mapping) for row in models],  # noqa: SLF001  # SQLAlchemy's public name
        "counters": {row.sequencename: row.last_value for row in connection.execute(_COUNTERS)},
        "tables": {name: _columns(connection, name) for name in names},
        "indexed": _indexed(connection),
        **about,
    }


def _indexed(connection: Connection) -> list[int]:
    """Return the models whose vectors have an index; only very large forums need one."""
    found = connection.scalars(text("SELECT id FROM models WHERE kind = 'bi-encoder' ORDER BY id"))
    session = Session(connection)
    return [one for one in list(found) if partitions.is_valid(session, one)]


def in_order_of_references(connection: Connection) -> list[str]:
    """Return the tables that hold rows of ours, each after those that it refers to."""
    waiting = [name for name in connection.scalars(_TABLES) if name not in LEFT_OUT]
    needs: dict[str, set[str]] = {name: set() for name in waiting}
    for one, other in connection.execute(_REFERENCES):
        if one in needs and other in needs:
            needs[one].add(other)
    done: list[str] = []
    while waiting:
        free = [name for name in waiting if needs[name] <= set(done)]
        done += free or waiting  # a test makes sure that there is no circle
        waiting = [name for name in waiting if name not in done]
    return done


def _all_of(table: str, columns: list[str]) -> str:
    return f'SELECT {names_of(columns)} FROM "{table}"'  # noqa: S608  # our own names


def _columns(connection: Connection, table: str) -> list[str]:
    return list(connection.scalars(_COLUMNS, {"table": table}))
