"""Runs the migrations, and checks whether all of them have run."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text


def configuration() -> Config:
    """Return Alembic's configuration."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Run the migrations up to *revision*; safe to run twice and by two processes at once."""
    config = configuration()
    with engine.connect() as connection:
        # If two processes start together, one migrates; the other waits and then has nothing to do.
        connection.exec_driver_sql("SELECT pg_advisory_lock(7302560)")
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
        connection.exec_driver_sql("SELECT pg_advisory_unlock(7302560)")
        connection.commit()


def is_at_head(connection: Connection) -> bool:
    """Return whether every migration has run on the database behind *connection*."""
    heads = set(ScriptDirectory.from_config(configuration()).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def is_read_only(connection: Connection) -> bool:
    """Return whether the database takes no writes now, as a standby does, or a full disk's."""
    found = connection.execute(text("SHOW transaction_read_only")).scalar_one()
    return str(found) == "on"
