"""A forum moves to another installation with all its data, and with nothing else."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import BigInteger, Engine, create_engine, text
from sqlalchemy.orm import Session

from db.engine import make_sessions
from db.errors import ConflictError, InvalidInputError
from db.keeping.backup import write_backup
from db.keeping.forum_export import write_forum
from db.keeping.forum_import import Moved, read_forum
from db.keeping.forum_parts import IN_JSON, LEFT_OUT, LOOSE, PARTS, references
from db.keeping.restore import read_backup
from db.keeping.stream import MANIFEST, Reader, UnreadableBackupError
from db.tables import Base
from db.vectors import models, partitions
from db.vectors.rows import ModelKind
from tests.conftest import copy_of_servers
from tests.integration.db.two_forums import make_two

NAME = "alpha"
_NO_IDS = {
    ("vector_heads", "forum_id"),
    ("archives", "position"),
    ("archive_sightings", "position"),
}
_COUNTS = {"created", "changed", "unchanged", "rejected", "size", "found", "revision", "read"}


def installation(request: pytest.FixtureRequest, name: str) -> Iterator[Engine]:
    held = create_engine(copy_of_servers(request.config, name).database_url)
    with make_sessions(held).begin() as session:
        make_two(session)
        # Nothing is worked on, and what a running forum has beside that.
        for statement in (
            "UPDATE archives SET state = 'done'",
            (
                "INSERT INTO syncs (forum_id, source, every_s, archive_id)"
                " SELECT forum_id, 'https://forum.example/all.csv', 3600, id FROM archives"
            ),
            "INSERT INTO erased_questions (forum_id, id_digest) SELECT id, '\\x01' FROM forums",
            "UPDATE archive_units SET done_at = now()",
            "UPDATE pairs SET canonical_id = low_id WHERE status = 'duplicate'",
        ):
            session.execute(text(statement))
    yield held
    held.dispose()


@pytest.fixture(scope="module")
def here(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield from installation(request, "from_here")


@pytest.fixture(scope="module")
def there(request: pytest.FixtureRequest) -> Iterator[Engine]:
    yield from installation(request, "to_there")


@pytest.fixture(scope="module")
def file(here: Engine) -> bytes:
    return export(here)


def export(engine: Engine) -> bytes:
    target = io.BytesIO()
    write_forum(engine, NAME, target, about={"version": "of the test"})
    return target.getvalue()


def read(engine: Engine, file: bytes, name: str) -> Moved:
    return read_forum(engine, io.BytesIO(file), name=name)


def forum_id(engine: Engine, name: str) -> int:
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id FROM forums WHERE name = :n"), {"n": name})
        return int(found.scalar_one())


class Ranked:
    """A forum's rows with each id as its place among the forum's ids: the same everywhere."""

    def __init__(self, engine: Engine, name: str) -> None:
        number = forum_id(engine, name)
        self.rows, self.places = {}, dict[str, dict[int, int]]()
        with engine.connect() as connection:
            for part in PARTS:
                columns = [one for one in part.columns if one not in part.given]
                names = ", ".join(f'"{one}"' for one in columns)
                rows = connection.exec_driver_sql(part.query(number, names)).mappings()
                self.rows[part.table] = [dict(row) for row in rows]
            self.models = {
                row[0]: row[1]
                for row in connection.exec_driver_sql("SELECT id, digest FROM models")
            }
        for part in PARTS:
            if part.has_ids:
                ids = sorted(row["id"] for row in self.rows[part.table])
                self.places[part.table] = {one: place for place, one in enumerate(ids)}

    def place(self, value: Any, table: str) -> Any:
        if isinstance(value, list):
            return [self.place(one, table) for one in value]
        if table == "models":
            return self.models.get(value)
        return self.places[table].get(value)

    def table(self, name: str) -> list[str]:
        found = []
        for row in self.rows[name]:
            told: dict[str, Any] = {
                key: bytes(value) if isinstance(value, memoryview) else value
                for key, value in row.items()
            }
            for column, table in references(name):
                if column in told:
                    told[column] = self.place(told[column], table)
            for column in told.keys() & {one for of, one in IN_JSON if of == name}:
                keys = IN_JSON[name, column]
                told[column] = {
                    key: self.place(value, keys[key]) if key in keys else value
                    for key, value in told[column].items()
                }
            found.append(repr(sorted(told.items())))
        return sorted(found)


def rest(engine: Engine, *moved: str) -> dict[str, set[str]]:
    """All rows but those of the forums that came; what triggers count is left out."""
    ids = [forum_id(engine, name) for name in moved]
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.tables.keys() - {"unsettled", "vector_heads", "vector_changes"}:
            rows = connection.exec_driver_sql(f'SELECT to_jsonb(one) FROM "{table}" one')  # noqa: S608
            found[table] = {
                json.dumps(row, sort_keys=True)
                for row in rows.scalars()
                if row.get("forum_id") not in ids and row.get("name") not in moved
            }
    return found


def test_every_table_is_moved_or_left_for_a_reason() -> None:
    assert {part.table for part in PARTS}.isdisjoint(LEFT_OUT)
    assert {part.table for part in PARTS} | set(LEFT_OUT) == set(Base.metadata.tables)


def test_every_number_of_a_row_that_is_moved_is_known_as_an_id_or_as_a_count() -> None:
    for part in PARTS:
        known = {column for column, _ in references(part.table)}
        for column in Base.metadata.tables[part.table].columns:
            is_number = isinstance(column.type, BigInteger) or column.name.endswith("_id")
            if is_number and column.name not in {*part.left_out, *_COUNTS, "external_id"}:
                place = (part.table, column.name)
                assert column.name in known or place in _NO_IDS, place
    for table, name in [*LOOSE, *IN_JSON]:
        assert name in Base.metadata.tables[table].columns


def test_all_of_it_arrives_and_nothing_else_changes(
    here: Engine, there: Engine, file: bytes
) -> None:
    before = rest(there)

    moved = read(there, file, "arrived")

    assert moved.rows["questions"] == 6
    assert moved.people == {f"Ana {NAME}": False}
    old, new = Ranked(here, NAME), Ranked(there, "arrived")
    for part in PARTS:
        assert old.rows[part.table], f"{part.table} had nothing to move"
        assert new.table(part.table) == old.table(part.table), part.table
    after = rest(there, "arrived")
    members = {table for table in before if after[table] != before[table]}
    assert members <= {"memberships", "archive_units", "group_members", "webhook_deliveries"}
    assert after["webhook_deliveries"] == before["webhook_deliveries"]
    assert all(before[table] <= after[table] for table in before)


def test_it_comes_into_its_own_installation_too_under_another_name(
    here: Engine, file: bytes
) -> None:
    with pytest.raises(ConflictError, match="--as"):
        read_forum(here, io.BytesIO(file))

    read(here, file, "beside")

    original, copy = Ranked(here, NAME), Ranked(here, "beside")
    assert copy.table("pairs") == original.table("pairs")
    with here.connect() as connection:
        tokens = connection.exec_driver_sql("SELECT count(*), count(DISTINCT token) FROM actions")
        assert len(set(tokens.one())) == 1


def test_whoever_asks_next_gets_a_number_of_their_own(there: Engine, file: bytes) -> None:
    read(there, file, "numbers")

    came = Ranked(there, "numbers").rows
    with there.begin() as connection:
        for part in PARTS:
            if part.has_ids:
                following = connection.exec_driver_sql(
                    f"SELECT nextval(pg_get_serial_sequence('{part.table}', 'id'))"
                )
                assert following.scalar_one() > max(row["id"] for row in came[part.table])


def test_whoever_writes_is_not_held_up_and_does_not_hold_up(there: Engine, file: bytes) -> None:
    with there.connect() as writing, writing.begin():
        for table in ("forums", "questions", "pairs", "events"):
            writing.exec_driver_sql(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        writing.exec_driver_sql("SELECT nextval(pg_get_serial_sequence('questions', 'id'))")

        read(there, file, "beside-a-writer")

    assert forum_id(there, "beside-a-writer")


def test_two_that_bring_the_same_forum_in_do_not_wait_for_each_other(
    there: Engine, file: bytes
) -> None:
    def meanwhile(table: str, _size: int) -> None:
        if table == "moved":
            with pytest.raises(ConflictError, match="just now"):
                read(there, file, "twice")

    read_forum(there, io.BytesIO(file), name="twice", say=meanwhile)

    assert forum_id(there, "twice")


def test_a_flagged_pair_without_an_entry_gets_one_where_it_arrives(
    here: Engine, there: Engine
) -> None:
    with here.begin() as connection:
        connection.exec_driver_sql("UPDATE pairs SET entry = NULL")

    read(there, export(here), "entered")

    flagged = [row for row in Ranked(there, "entered").rows["pairs"] if row["status"] == "flagged"]
    assert flagged
    assert None not in [row["entry"] for row in flagged]


@pytest.fixture
def model(there: Engine, monkeypatch: pytest.MonkeyPatch) -> int:
    """The model of an installation in which any import is large, and has an index in its way."""
    monkeypatch.setattr(partitions, "_MANY", 1)
    monkeypatch.setattr(partitions, "_SHARE", 1_000)
    with make_sessions(there).begin() as session:
        encoder = next(r for r in models.list_models(session) if r.kind is ModelKind.BI_ENCODER)
    partitions.build_index(there, encoder)
    return encoder.id


def test_the_vector_index_makes_way_for_many_and_is_built_again(
    there: Engine, file: bytes, model: int
) -> None:
    before: list[bool | None] = []

    def note(_table: str, _size: int) -> None:
        with there.connect() as connection:
            before.append(partitions.is_valid(Session(connection), model))

    read_forum(there, io.BytesIO(file), name="many", say=note)

    assert set(before) == {None}
    with there.connect() as connection:
        assert partitions.is_valid(Session(connection), model)


def test_an_index_that_is_being_searched_is_not_waited_for(
    there: Engine, file: bytes, model: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "10ms")
    with there.connect() as searching:
        searching.exec_driver_sql(f"SELECT count(*) FROM {partitions.partition(model)}")  # noqa: S608
        read(there, file, "beside-a-search")

    with there.connect() as connection:
        assert partitions.is_valid(Session(connection), model)
    assert Ranked(there, "beside-a-search").rows["embeddings"]


def test_webhooks_are_off_and_sign_with_new_secrets(there: Engine, file: bytes) -> None:
    read(there, file, "hooked")

    with there.connect() as connection:
        found = connection.execute(
            text(
                "SELECT secret, disabled_at IS NOT NULL, notice FROM webhooks WHERE forum_id = :id"
            ),
            {"id": forum_id(there, "hooked")},
        ).one()
        secrets = connection.exec_driver_sql("SELECT secret FROM webhooks").scalars().all()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", found[0])
    assert found[1]
    assert "new secret" in found[2]
    assert len(secrets) == len(set(secrets))


def test_no_secret_is_in_the_file(here: Engine, file: bytes) -> None:
    reader = Reader(io.BytesIO(file))
    held = json.dumps(reader.next_json(MANIFEST)).encode()
    for part in PARTS:
        held += b"".join(reader.parts(part.table))

    assert NAME.encode() in held
    with here.connect() as connection:
        for statement in (
            "SELECT secret FROM webhooks",
            "SELECT encode(secret_hash, 'escape') FROM api_keys",
            "SELECT secret FROM connectors",
            "SELECT key_hash FROM people WHERE key_hash IS NOT NULL",
        ):
            for secret in connection.exec_driver_sql(statement).scalars():
                raw = secret.encode() if isinstance(secret, str) else bytes(secret)
                assert raw not in held


def test_vectors_of_a_model_that_is_not_in_use_there_are_left_and_said(
    there: Engine, file: bytes
) -> None:
    with there.begin() as connection:
        connection.exec_driver_sql("UPDATE models SET active = false WHERE kind = 'bi-encoder'")
        connection.exec_driver_sql(
            "INSERT INTO models (kind, name, digest, active)"
            " VALUES ('bi-encoder', 'another', 'of another', true)"
        )
    try:
        moved = read(there, file, "of-others")
    finally:
        with there.begin() as connection:
            connection.exec_driver_sql("DELETE FROM models WHERE name = 'another'")
            connection.exec_driver_sql(
                "UPDATE models SET active = true WHERE digest = 'bi-encoder'"
            )

    assert moved.is_of_other_models
    ranked = Ranked(there, "of-others")
    assert ranked.rows["embeddings"] == []
    assert len(ranked.rows["pairs"]) == moved.rows["pairs"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_of_a_file_that_ends_too_early_nothing_comes(
    there: Engine, file: bytes, share: float
) -> None:
    with pytest.raises(UnreadableBackupError):
        read(there, file[: int(len(file.rstrip(b"\0")) * share)], "half")

    with there.connect() as connection:
        names = connection.exec_driver_sql("SELECT name FROM forums").scalars().all()
    assert "half" not in names


def test_a_file_of_another_version_is_refused(there: Engine, file: bytes) -> None:
    with there.connect() as connection:
        head = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    other = file.replace(f'"revision": "{head}"'.encode(), b'"revision": "0001"', 1)

    with pytest.raises(InvalidInputError, match="same version"):
        read(there, other, "other")


def test_neither_kind_of_file_is_taken_for_the_other(there: Engine, file: bytes) -> None:
    whole = io.BytesIO()
    write_backup(there, whole, about={})

    with pytest.raises(UnreadableBackupError, match="askedbefore restore"):
        read(there, whole.getvalue(), "whole")
    with pytest.raises(UnreadableBackupError, match="forums import"):
        read_backup(there, io.BytesIO(file))


def test_an_archive_in_work_is_not_moved(here: Engine) -> None:
    with here.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("UPDATE archives SET state = 'paused'")
        transaction.commit()
    try:
        with pytest.raises(ConflictError, match="archives cancel"):
            export(here)
    finally:
        with here.begin() as connection:
            connection.exec_driver_sql("UPDATE archives SET state = 'done'")
