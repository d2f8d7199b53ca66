"""A backup has the whole database and can be restored completely, also into a later version."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text

from cli.running.service import settings_of
from db import schema
from db.deciding import decisions
from db.deciding.decisions import Verdict
from db.engine import make_engine, make_sessions
from db.errors import ConflictError, InvalidInputError
from db.keeping.backup import LEFT_OUT, in_order_of_references, write_backup
from db.keeping.restore import NotEmptyError, read_backup
from db.keeping.stream import UnreadableBackupError
from db.questions import saving
from db.rows import PairStatus
from db.tables import Base
from db.tenants import forums
from db.vectors import models, partitions
from db.vectors.rows import ModelKind
from db.work.rows import Lane
from tests.conftest import copy_of_servers
from tests.integration.db.two_forums import make_two
from tests.releases import FOLDER, load, released, schema_of
from tests.releases import kept as kept_rows
from tests.rows.factories import new_question

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
    """A database with two rows of every kind."""
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


def test_every_release_has_a_file_of_its_rows() -> None:
    missing = [one for one in released() if not (FOLDER / f"{one}.sql").exists()]

    assert missing == [], "run `python -m tests.releases` in that version and commit the file"


@pytest.fixture(scope="module", params=sorted(FOLDER.iterdir()), ids=str)
def old(request: pytest.FixtureRequest, full: Engine) -> Iterator[Engine]:
    """A database as a release left it."""
    with database(full, "of_release") as fresh:
        schema.upgrade(fresh, revision=schema_of(request.param))
        with fresh.begin() as connection:
            load(connection, request.param)
        yield fresh


def test_the_rows_of_this_version_can_be_kept_when_it_is_released(
    full: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "next.sql"
    file.write_text(kept_rows(full), encoding="utf-8")

    with database(full, "of_now") as fresh:
        schema.upgrade(fresh, revision=schema_of(file))
        with fresh.begin() as connection:
            load(connection, file)
        assert rows_of(fresh) == rows_of(full)


def test_a_backup_of_a_release_comes_back_in_this_version(old: Engine, empty: Engine) -> None:
    before = rows_of(old)
    target = io.BytesIO()
    write_backup(old, target, about=QUIET)
    read_backup(empty, io.BytesIO(target.getvalue()), force=True)

    check_migrated(empty, before)


def test_the_rows_of_a_release_are_migrated_where_they_lie(old: Engine) -> None:
    before = rows_of(old)

    schema.upgrade(old)

    check_migrated(old, before)
    decide_and_ask(old)


def check_migrated(engine: Engine, before: dict[str, list[str]]) -> None:
    """Expect the newest schema, and each row of before."""
    with engine.connect() as connection:
        assert schema.is_at_head(connection)
        config = schema.configuration()
        config.attributes["connection"] = connection
        command.check(config)
    after = {table: len(rows) for table, rows in rows_of(engine).items()}
    assert {table: after.get(table) for table in before} == {
        table: len(rows) for table, rows in before.items()
    }


def decide_and_ask(engine: Engine) -> None:
    """Work on with the restored rows in this version: decide, and store a question."""
    with make_sessions(engine).begin() as session:
        forum_id, pair_id, version = session.execute(
            text("SELECT forum_id, id, version FROM pairs WHERE status = 'flagged' ORDER BY id")
        ).first() or (0, 0, 0)
        verdict = Verdict(status=PairStatus.DUPLICATE, version=version)
        decisions.decide(session, forum_id, pair_id, verdict, actor="of the test")
        forum = next(row for row in forums.list_forums(session) if row.id == forum_id)
        saved = saving.save(
            session, forum, [new_question("Is all here?", external_id="new")], lane=Lane.LIVE
        )
        session.flush()
        incomplete = (
            "SELECT count(*) FROM pairs WHERE words IS NULL OR status = 'flagged' AND entry IS NULL"
        )
        assert saved
        assert session.execute(text(incomplete)).scalar_one() == 0
