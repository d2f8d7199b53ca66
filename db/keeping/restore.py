"""Restores a backup into an empty database, and updates it to the newest schema."""

from typing import Any, BinaryIO

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from db import schema
from db.engine import make_sessions
from db.errors import ConflictError, InvalidInputError
from db.keeping.backup import Kept, in_order_of_references
from db.keeping.copying import Say, copy_in
from db.keeping.stream import END, FORMAT, MANIFEST, Reader, TableReader, UnreadableBackupError
from db.vectors import models, partitions

_HELD = ("forums", "people", "api_keys")
_OTHERS = text("""
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'askedbefore' AND pid <> pg_backend_pid()""")
_OWN_TABLES = text("""
    SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
    AND relkind IN ('r', 'p') AND NOT relispartition""")
_OWN_FUNCTIONS = text("""
    SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')""")


class NotEmptyError(ConflictError):
    """The database is not empty."""


def read_backup(
    engine: Engine, source: BinaryIO, *, force: bool = False, say: Say = lambda _table, _size: None
) -> tuple[dict[str, Any], Kept]:
    """Put the backup in *source* into the database; return its manifest and what was restored.

    The rows come in one transaction: after a failure the database is empty and the same call may
    be tried again. Raises `NotEmptyError` unless the database is empty or *force* is set,
    `UnreadableBackupError`, and `InvalidInputError` for a backup of a later version.
    """
    reader = Reader(source)
    manifest = reader.next_json(MANIFEST)
    _check(manifest)
    with engine.connect() as connection:
        _refuse_others(connection, force=force)
        _empty(connection)
        connection.commit()
    schema.upgrade(engine, revision=manifest["revision"])
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        rows, size = _load(connection, reader, manifest, say)
    schema.upgrade(engine)
    _finish(engine, manifest.get("indexed", []), say)
    return manifest, Kept(revision=manifest["revision"], rows=rows, size=size)


def _check(manifest: dict[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise UnreadableBackupError(f"this backup has an unknown format: {manifest.get('format')}")
    if "forum" in manifest:
        raise UnreadableBackupError(
            "this file holds one forum, not a whole service: use `askedbefore forums import`"
        )
    script = ScriptDirectory.from_config(schema.configuration())
    known = {one.revision for one in script.walk_revisions()}
    if manifest["revision"] not in known:
        raise InvalidInputError(
            f"this backup was made by a later version, with the schema {manifest['revision']!r}:"
            " restore it with that version or a newer one"
        )


def _refuse_others(connection: Connection, *, force: bool) -> None:
    if force:
        return
    if connection.execute(_OTHERS).scalar_one():
        raise ConflictError(
            "other processes of the service use this database: stop API, workers and beat first"
        )
    tables = set(connection.scalars(_OWN_TABLES))
    for name in tables.intersection(_HELD):
        if connection.exec_driver_sql(f'SELECT EXISTS (SELECT FROM "{name}")').scalar_one():  # noqa: S608
            raise NotEmptyError(
                f"the database is not empty: {name} has rows. Restore into an empty database, or"
                " give --force to delete what is there"
            )


def _empty(connection: Connection) -> None:
    # Only our own: the extension, and the tables of others in this database, stay.
    for name in list(connection.scalars(_OWN_TABLES)):
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}" CASCADE')
    for name in list(connection.scalars(_OWN_FUNCTIONS)):
        connection.exec_driver_sql(f"DROP ROUTINE IF EXISTS {name} CASCADE")


def _load(
    connection: Connection, reader: Reader, manifest: dict[str, Any], say: Say
) -> tuple[dict[str, int], int]:
    rows, read = {}, {}
    missing = set(manifest["tables"]) - set(in_order_of_references(connection))
    if missing:
        names = ", ".join(sorted(missing))
        raise UnreadableBackupError(f"tables of the backup are unknown here: {names}")
    for table, columns in manifest["tables"].items():
        if table == "embeddings":
            _make_partitions(connection)
        # The backup has the rows that triggers wrote; they must not be written again.
        connection.exec_driver_sql(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        part = TableReader(reader.parts(table))
        rows[table] = copy_in(connection, table, columns, part, say)
        read[table] = part.finish()
        connection.exec_driver_sql(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
    end = reader.next_json(END)["tables"]
    for table, held in end.items():
        if (held["rows"], held["sha256"]) != (rows[table], read[table].digest):
            raise UnreadableBackupError(f"the rows of {table} are not those that were backed up")
    for name, value in manifest["counters"].items():
        connection.execute(
            text("SELECT setval(to_regclass(:name), :value)"), {"name": name, "value": value}
        )
    return rows, sum(one.size for one in read.values())


def _make_partitions(connection: Connection) -> None:
    found = connection.exec_driver_sql("SELECT id FROM models WHERE kind = 'bi-encoder'")
    for (model_id,) in list(found):
        name = partitions.partition(model_id)
        connection.exec_driver_sql(
            f"CREATE TABLE {name} PARTITION OF embeddings FOR VALUES IN ({int(model_id)})"
        )


def _finish(engine: Engine, indexed: list[int], say: Say) -> None:
    """Build the vector indexes again, now that all rows are there; count the rows."""
    with make_sessions(engine).begin() as session:
        encoders = [row for row in models.list_models(session) if row.id in indexed]
    for row in encoders:
        say("vector index", 0)
        partitions.build_index(engine, row)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("ANALYZE")
        connection.invalidate()
