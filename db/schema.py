"""Runs the migrations, and checks whether all of them have run."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg2.extensions import encrypt_password
from sqlalchemy import DDL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from db.engine import is_held_up
from db.errors import InvalidInputError

_LOCK = 7_302_560
_PAUSE_S = 0.2
_TRIES = 30
_REST_S = 2.0
"""While a migration waits for a table, all others wait too: they get so long between attempts."""


def configuration() -> Config:
    """Return Alembic's configuration."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(
    engine: Engine, *, revision: str = "head", say: Callable[[str], object] = lambda _: None
) -> None:
    """Run the migrations up to *revision*; safe to run twice and by two processes at once.

    A migration that waits for others lets them go first and is tried again. *say* is called for
    that, and before a step that takes long.
    """
    config = configuration()
    with engine.connect() as connection:
        _wait_for_turn(connection)
        try:
            config.attributes |= {"connection": connection, "say": say}
            giving_way(connection, partial(command.upgrade, config, revision), say)
        finally:
            connection.invalidate()  # ends the lock; its limits must not reach the pool


def giving_way(
    connection: Connection, migrate: Callable[[], object], say: Callable[[str], object]
) -> None:
    """Run *migrate* on *connection*, and again while other transactions make it wait."""
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            migrate()
            connection.commit()
        except DBAPIError as error:
            connection.rollback()
            if not tries_left or not is_held_up(error):
                raise
            say("Others use a table that a migration needs: it is tried again in a moment.")
            time.sleep(_REST_S)
        else:
            return


def _wait_for_turn(connection: Connection) -> None:
    # If two processes start together, one migrates; the other waits and then has nothing to do. It
    # polls, because a statement that waits would delay a concurrent index build.
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_LOCK})").scalar_one():
        connection.commit()
        time.sleep(_PAUSE_S)
    connection.commit()


def is_at_head(connection: Connection) -> bool:
    """Return whether every migration has run on the database behind *connection*."""
    heads = set(ScriptDirectory.from_config(configuration()).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def is_read_only(connection: Connection) -> bool:
    """Return whether the database takes no writes now: it is a standby, or its disk is full."""
    found = connection.execute(text("SHOW transaction_read_only")).scalar_one()
    return str(found) == "on"


def let_sign_in(engine: Engine, role: str, password: str) -> None:
    """Make a role of Postgres, if there is none, and give it this password.

    Only the SCRAM verifier of the password is sent, so that no log of Postgres can have the
    password.
    """
    with engine.begin() as connection:
        known = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :r"), {"r": role})
        driver = connection.connection.driver_connection
        verifier = encrypt_password(password, role, driver, "scram-sha-256")
        given = {
            "verb": "CREATE" if known.first() is None else "ALTER",
            "role": engine.dialect.identifier_preparer.quote(role),
            "verifier": verifier,
        }
        make = DDL("%(verb)s ROLE %(role)s LOGIN PASSWORD '%(verifier)s'", context=given)  # type: ignore[no-untyped-call]
        connection.execute(make)


def let_write_rows(engine: Engine, role: str) -> None:
    """Let a role of Postgres read and write rows, now and in tables that workers create later.

    It cannot change the schema. It needs temporary tables for uploads, and must see how long other
    transactions last, so that the feed of pairs is up to date. Raises `InvalidInputError` if there
    is no such role.
    """
    with engine.begin() as connection:
        known = connection.execute(text("SELECT FROM pg_roles WHERE rolname = :r"), {"r": role})
        if known.first() is None:
            raise InvalidInputError(f"there is no role {role!r} in Postgres: create it first")
        quote = engine.dialect.identifier_preparer.quote
        named, database = quote(role), quote(str(engine.url.database))
        for right in _RIGHTS:
            grant = DDL(right, context={"role": named, "base": database})  # type: ignore[no-untyped-call]
            connection.execute(grant)
        seeing = DDL("GRANT pg_read_all_stats TO %(role)s", context={"role": named})  # type: ignore[no-untyped-call]
        with suppress(ProgrammingError), connection.begin_nested():  # only a superuser may
            connection.execute(seeing)


_LATER = "ALTER DEFAULT PRIVILEGES IN SCHEMA public"
_RIGHTS = (
    "GRANT CONNECT, TEMPORARY ON DATABASE %(base)s TO %(role)s",
    "GRANT USAGE ON SCHEMA public TO %(role)s",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %(role)s",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %(role)s",
    f"{_LATER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %(role)s",
    f"{_LATER} GRANT USAGE ON SEQUENCES TO %(role)s",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
)
