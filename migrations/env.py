"""Runs the migrations; the engine or connection comes from the caller, never from an ini file."""

from alembic import context
from sqlalchemy import Connection, text

from db.engine import make_engine
from db.settings import DatabaseSettings
from db.tables import Base

_LIMITS = {
    "lock_timeout": "4s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

# Where the service and a migration wait for each other, it is the migration that gives way: whoever
# looks first ends its own transaction. Only a superuser may say so.
_GIVE_WAY = """
    SELECT set_config('deadlock_timeout', '100ms', false)
    FROM pg_roles WHERE rolname = current_user AND rolsuper
"""


def _include(_object: object, name: str | None, type_: str, *_: object) -> bool:
    # A partition and its indexes belong to the model that they were made for, not to the schema.
    return not (type_ in {"table", "index"} and (name or "").startswith("embeddings_m"))


def _run(connection: Connection) -> None:
    # Limits of their own: a migration may take as long as it takes, but waits for a lock, behind
    # which all others would wait, for seconds only.
    for name, value in _LIMITS.items():
        connection.exec_driver_sql(f"SET {name} = '{value}'")
    connection.execute(text(_GIVE_WAY))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=_include,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    engine = make_engine(DatabaseSettings())
    with engine.connect() as own:
        _run(own)
        own.commit()
    engine.dispose()


_main()
