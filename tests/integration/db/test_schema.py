from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, inspect

from db import schema


@pytest.fixture
def empty(engine: Engine) -> Iterator[Engine]:
    """A database in which nothing has ever been."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE untouched")
        fresh = create_engine(engine.url.set(database="untouched"))
        yield fresh
        fresh.dispose()
        connection.exec_driver_sql("DROP DATABASE untouched")


def test_the_migrations_build_what_the_tables_say_and_can_be_taken_back(empty: Engine) -> None:
    schema.upgrade(empty)
    config = schema.configuration()
    with empty.connect() as connection:
        assert schema.is_at_head(connection)
        config.attributes["connection"] = connection
        command.check(config)
        command.downgrade(config, "base")
        connection.commit()

    assert set(inspect(empty).get_table_names()) == {"alembic_version"}

    schema.upgrade(empty)
    with empty.connect() as connection:
        assert schema.is_at_head(connection)


def test_migrating_twice_is_a_no_op(empty: Engine) -> None:
    schema.upgrade(empty)
    schema.upgrade(empty)

    with empty.connect() as connection:
        assert schema.is_at_head(connection)


def test_a_database_behind_is_told_apart(empty: Engine) -> None:
    schema.upgrade(empty, revision="0001")

    with empty.connect() as connection:
        assert not schema.is_at_head(connection)
