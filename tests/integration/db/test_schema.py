import re
import threading
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, event, inspect
from sqlalchemy.exc import ProgrammingError

from db import schema
from migrations import online


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


def test_what_a_migrator_limits_does_not_reach_the_pool(empty: Engine) -> None:
    schema.upgrade(empty)

    with empty.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
        taken = (  # in this database: other tests have theirs on the same server
            "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert connection.exec_driver_sql(taken).scalar_one() == 0


def test_two_that_migrate_at_once_both_come_through(empty: Engine) -> None:
    failed: list[BaseException] = []

    def migrate() -> None:
        try:
            schema.upgrade(empty)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    both = [threading.Thread(target=migrate) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert failed == []
    with empty.connect() as connection:
        assert schema.is_at_head(connection)


def fill_with_pairs(engine: Engine, count: int) -> None:
    """Store pairs as a version before 0004 left them."""
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO forums (name, title) VALUES ('old', 'Old')")
        connection.exec_driver_sql(
            "INSERT INTO questions (forum_id, external_id, title, category, text_fields,"
            " text_digest, content_digest) SELECT f.id, n::text, 'question ' || n, 'c', 'title',"
            " '', '' FROM forums AS f, generate_series(1, %s) AS n",
            (count + 1,),
        )
        connection.exec_driver_sql(
            "INSERT INTO pairs (forum_id, low_id, high_id, kind, score, threshold,"
            " low_text_version, high_text_version, status) SELECT forum_id, id, id + 1, 'model',"
            " 0.9, 0.5, 1, 1, 'flagged' FROM questions WHERE external_id::int <= %s",
            (count,),
        )
        connection.exec_driver_sql("ANALYZE pairs")


def test_a_large_forum_is_migrated_outside_the_services_own_limits(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "_BATCH", 500)
    schema.upgrade(empty, revision="0003")
    fill_with_pairs(empty, 12_000)
    event.listen(
        empty, "connect", lambda raw, _: raw.cursor().execute("SET statement_timeout = '500ms'")
    )
    said: list[str] = []

    schema.upgrade(empty, say=said.append)

    assert re.search(r"about 12,000 pairs, about \d+ minutes", said[0])
    assert len(said) == 1
    with empty.begin() as connection:
        left = "SELECT count(*) FROM pairs WHERE words IS NULL OR entry IS NULL OR useful = 0"
        assert connection.exec_driver_sql(left).scalar_one() == 0


def test_a_migration_that_was_broken_off_is_taken_up_again(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.upgrade(empty, revision="0009")
    fill_with_pairs(empty, 1_000)
    with empty.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE pairs DISABLE TRIGGER pairs_complete")
        connection.exec_driver_sql("UPDATE pairs SET words = NULL")
        connection.exec_driver_sql("ALTER TABLE pairs ENABLE TRIGGER pairs_complete")
    monkeypatch.setattr(online, "_BATCH", 100)
    whole, built = online.create_index, []

    def breaks_off(name: str, table: str, definition: str) -> None:
        built.append(name)
        if len(built) == 3:
            raise KeyboardInterrupt
        whole(name, table, definition)

    monkeypatch.setattr(online, "create_index", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        schema.upgrade(empty)
    monkeypatch.setattr(online, "create_index", whole)

    schema.upgrade(empty)

    with empty.connect() as connection:
        assert schema.is_at_head(connection)
        invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
        assert connection.exec_driver_sql(invalid).scalar_one() == 0


def test_a_migration_that_others_hold_up_gives_way_and_is_tried_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_REST_S", 0)
    said: list[str] = []
    with engine.connect() as other, engine.connect() as connection:
        other.exec_driver_sql("LOCK TABLE forums")

        def migrate() -> None:
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
            connection.exec_driver_sql("LOCK TABLE forums")

        def say(sentence: str) -> None:
            said.append(sentence)
            if len(said) == 2:
                other.rollback()

        schema.giving_way(connection, migrate, say)

    assert len(said) == 2
    assert "tried again" in said[0]


def test_a_migration_that_is_wrong_is_not_tried_again(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ProgrammingError):
        schema.giving_way(
            connection, lambda: connection.exec_driver_sql("ALTER TABLE nothing"), print
        )
