"""A back-up holds all of a database, comes back whole, and into a later version too."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine

from cli.running.service import settings_of
from db import schema
from db.engine import make_engine, make_sessions
from db.errors import ConflictError, InvalidInputError
from db.keeping.backup import LEFT_OUT, in_order_of_references, write_backup
from db.keeping.restore import NotEmptyError, read_backup
from db.keeping.stream import UnreadableBackupError
from db.tables import Base
from db.vectors import models, partitions
from db.vectors.rows import ModelKind
from tests.conftest import copy_of_servers
from tests.integration.db.two_forums import make_two

HEAD_0_4 = "0005"
ROWS_0_4 = Path(__file__).parents[3] / "data" / "version_0_4_0.sql"
QUIET = {"version": "of the test", "settings": {}}


@contextmanager
def database(engine: Engine, name: str) -> Iterator[Engine]:
    """A new database without anything in it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        url = engine.url.set(database=name).render_as_string(hide_password=False)
        fresh = make_engine(settings_of(url))
        try:
            yield fresh
        finally:
            fresh.dispose()
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def full(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A database that holds one of everything, twice."""
    held = create_engine(copy_of_servers(request.config, "kept").database_url)
    with make_sessions(held).begin() as session:
        make_two(session)
    yield held
    held.dispose()


@pytest.fixture(scope="module")
def kept(full: Engine) -> bytes:
    target = io.BytesIO()
    write_backup(full, target, about=QUIET)
    return target.getvalue()


@pytest.fixture(scope="module")
def empty(full: Engine) -> Iterator[Engine]:
    with database(full, "restored") as fresh:
        yield fresh


def rows_of(engine: Engine) -> dict[str, list[str]]:
    found = {}
    with engine.connect() as connection:
        for table in in_order_of_references(connection):
            statement = f'SELECT one::text FROM "{table}" one ORDER BY 1'  # noqa: S608
            found[table] = list(connection.exec_driver_sql(statement).scalars())
    return found


def counters_of(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
        )
        return {row[0]: row[1] for row in found}


def test_every_table_is_kept_or_left_out_by_name(full: Engine) -> None:
    with full.connect() as connection:
        kept = in_order_of_references(connection)

    assert set(kept) | LEFT_OUT == set(Base.metadata.tables) | {"alembic_version"}


def test_no_table_refers_to_a_later_one(full: Engine) -> None:
    with full.connect() as connection:
        order = in_order_of_references(connection)

    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            other = key.column.table.name
            if {table.name, other} <= set(order) and table.name != other:
                assert order.index(other) < order.index(table.name)


def test_all_comes_back_and_the_next_row_gets_a_new_number(
    full: Engine, empty: Engine, kept: bytes
) -> None:
    manifest, restored = read_backup(empty, io.BytesIO(kept))

    assert rows_of(empty) == rows_of(full)
    assert counters_of(empty) == counters_of(full)
    assert restored.rows == {name: len(rows) for name, rows in rows_of(full).items()}
    assert manifest["models"][0]["digest"] == "bi-encoder"
    with empty.connect() as connection:
        assert schema.is_at_head(connection)
        model = connection.exec_driver_sql("SELECT id FROM models WHERE kind = 'bi-encoder'")
        model_id = model.scalar_one()
    with make_sessions(empty).begin() as session:
        assert partitions.is_valid(session, model_id)


def test_an_index_that_was_not_there_is_not_built(full: Engine, empty: Engine) -> None:
    with make_sessions(full).begin() as session:
        encoder = next(r for r in models.list_models(session) if r.kind is ModelKind.BI_ENCODER)
        partitions.drop_index(session, encoder.id)
    target = io.BytesIO()
    write_backup(full, target, about=QUIET)
    partitions.build_index(full, encoder)

    read_backup(empty, io.BytesIO(target.getvalue()), force=True)

    with make_sessions(empty).begin() as session:
        assert partitions.is_valid(session, encoder.id) is None


def test_a_database_with_rows_is_spared_unless_it_is_forced(
    full: Engine, empty: Engine, kept: bytes
) -> None:
    read_backup(empty, io.BytesIO(kept), force=True)
    with pytest.raises(NotEmptyError, match="--force"):
        read_backup(empty, io.BytesIO(kept))

    read_backup(empty, io.BytesIO(kept), force=True)

    assert rows_of(empty) == rows_of(full)


def test_a_service_that_runs_is_not_restored_over(empty: Engine, kept: bytes) -> None:
    other = make_engine(settings_of(empty.url.render_as_string(hide_password=False)))
    with other.connect(), pytest.raises(ConflictError, match="stop API, workers and beat"):
        read_backup(empty, io.BytesIO(kept))
    other.dispose()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_of_a_file_that_ends_too_early_nothing_comes(
    empty: Engine, kept: bytes, share: float
) -> None:
    read_backup(empty, io.BytesIO(kept), force=True)
    with pytest.raises(UnreadableBackupError):
        read_backup(empty, io.BytesIO(kept[: int(len(kept.rstrip(b"\0")) * share)]), force=True)

    with empty.connect() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM questions").scalar_one()
    is_untouched = share == 0  # without a manifest nothing is done at all
    assert (left > 0) is is_untouched


def test_a_file_of_a_later_version_is_refused_before_anything_is_touched(
    empty: Engine, kept: bytes
) -> None:
    with empty.connect() as connection:
        head = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    later = kept.replace(f'"revision": "{head}"'.encode(), b'"revision": "9999"', 1)

    with pytest.raises(InvalidInputError, match="later version"):
        read_backup(empty, io.BytesIO(later), force=True)


@pytest.fixture(scope="module")
def old(full: Engine) -> Iterator[Engine]:
    """A database as version 0.4.0 left it."""
    with database(full, "of_0_4_0") as fresh:
        schema.upgrade(fresh, revision=HEAD_0_4)
        with fresh.begin() as connection:
            connection.exec_driver_sql(ROWS_0_4.read_text(encoding="utf-8"))
        yield fresh


def test_a_backup_of_0_4_0_comes_back_in_this_version(old: Engine, empty: Engine) -> None:
    target = io.BytesIO()
    write_backup(old, target, about=QUIET)
    read_backup(empty, io.BytesIO(target.getvalue()), force=True)

    check_what_0_4_0_had(empty)


def test_the_data_of_0_4_0_are_migrated_where_they_lie(old: Engine) -> None:
    schema.upgrade(old)

    check_what_0_4_0_had(old)


def check_what_0_4_0_had(engine: Engine) -> None:
    with engine.connect() as connection:
        assert schema.is_at_head(connection)
        config = schema.configuration()
        config.attributes["connection"] = connection
        command.check(config)
        ask = connection.exec_driver_sql
        assert ask("SELECT count(*) FROM questions").scalar_one() == 3
        decided = ask("SELECT status, decided_by, words IS NOT NULL FROM pairs ORDER BY id").all()
        assert [tuple(row) for row in decided] == [
            ("duplicate", "ann", True),
            ("flagged", None, True),
        ]
        assert ask("SELECT state FROM archives").scalar_one() == "running"
        assert ask("SELECT vector::text FROM embeddings ORDER BY question_id").first() is not None
        assert ask("SELECT lane FROM jobs").scalar_one() == "live"
        forum = ask("SELECT name, text_fields FROM forums").one()
        assert tuple(forum) == ("cooks", "title")
