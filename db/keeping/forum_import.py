"""Reads a forum's file into another installation, beside its own forums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db import facts
from db.engine import make_sessions
from db.errors import ConflictError, InvalidInputError
from db.keeping.copying import Say, copy_in, names_of
from db.keeping.forum_parts import IN_JSON, PARTS, Part, references
from db.keeping.stream import END, FORMAT, MANIFEST, Reader, TableReader, UnreadableBackupError
from db.tenants import forums, people
from db.tenants.people import Role
from db.vectors import changes, models, partitions
from db.vectors.rows import ModelKind, ModelRow

_RESERVING = 7_302_562
_GAP = 1_000_000
# No lock on a table, because it would delay everybody who writes there. A transaction that takes a
# number between nextval and setval gets one of the gap; later ones get numbers past the range.
_AHEAD = text("""
    SELECT setval(counter, nextval(counter) + :gap + :size)
    FROM (SELECT pg_get_serial_sequence(:table, 'id')::regclass AS counter) AS one""")
_OR_ZERO = {"archive_units": {"low_id", "high_id", "other_low_id", "other_high_id"}}
"""Columns with 0 in place of null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A forum that has arrived."""

    name: str
    rows: dict[str, int]
    people: dict[str, bool]
    """By the name of each person who may review it: whether the name is new here."""
    is_of_other_models: bool
    """Whether its vectors and scores are of models that are not in use here."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The old ids of a table, and what is added to them."""

    low: int
    high: int
    shift: int

    def sql(self, old: str) -> str:
        """Return the new id; null for one that the file has no row of."""
        return f"CASE WHEN {old} BETWEEN {self.low} AND {self.high} THEN {old} + {self.shift} END"


def read_forum(
    engine: Engine,
    source: BinaryIO,
    *,
    name: str | None = None,
    say: Say = lambda _table, _size: None,
) -> Moved:
    """Put the forum in *source* into the database, under another *name* if one is given.

    The service may run. The forum appears as a whole, or after a failure not at all. Where the
    vector index is dropped for it and the import fails, workers build the index again if they need
    it. Raises `ConflictError` if there is a forum of this name, `UnreadableBackupError`, and
    `InvalidInputError` for a file of another version.
    """
    reader = Reader(source)
    manifest = reader.next_json(MANIFEST)
    _check(engine, manifest)
    name = name or str(manifest["forum"])
    with make_sessions(engine).begin() as session:
        _refuse_taken(session, name)
        known = _known_models(session, manifest["models"])
    ranges = _reserve(engine, manifest["ids"])
    was_in_the_way = _make_way(engine, known.vectors_of, new=int(manifest["vectors"]))
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        session = Session(connection)
        _hold(session, name)
        _refuse_taken(session, name)
        arrival = _Arrival(connection, name, ranges, known)
        rows = _load(arrival, reader, say)
        came = _let_in(session, name, manifest["people"])
        session.flush()
    if known.vectors_of is not None and was_in_the_way:
        say("vector index", 0)
        partitions.build_index(engine, known.vectors_of)
    return Moved(name=name, rows=rows, people=came, is_of_other_models=known.differ)


def _check(engine: Engine, manifest: dict[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise UnreadableBackupError(f"this file has an unknown format: {manifest.get('format')}")
    if "forum" not in manifest:
        raise UnreadableBackupError(
            "this is a backup of a whole service, not one forum: use `askedbefore restore`"
        )
    with engine.connect() as connection:
        here = facts.revisions(connection)
    told = {part.table: part.columns for part in PARTS}
    if manifest["revision"] not in here or manifest["tables"] != told:
        raise InvalidInputError(
            f"this file has the schema {manifest['revision']!r}, this installation"
            f" {', '.join(sorted(here))!r}: bring both to the same version and export again"
        )


def _hold(session: Session, name: str) -> None:
    # A second import of the same forum is refused at once, not after all its work.
    key = func.hashtextextended(f"forums import {name}", 0)
    if not session.execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one():
        raise ConflictError(f"a forum {name!r} is being imported just now")


def _refuse_taken(session: Session, name: str) -> None:
    if any(row.name == name for row in forums.list_forums(session)):
        raise ConflictError(f"there is a forum {name!r} already: give it another name with --as")


@dataclass(frozen=True, slots=True)
class _Known:
    """The models of the file as this installation numbers them."""

    ids: Mapping[int, int]
    vectors_of: ModelRow | None
    """The model here whose vectors are taken from the file; None if they cannot be used here."""
    differ: bool


def _known_models(session: Session, told: list[dict[str, Any]]) -> _Known:
    found = {int(one["id"]): _ensured(session, one) for one in told}
    active = {kind: models.find_active(session, kind) for kind in ModelKind}
    theirs = {ModelKind(one["kind"]): found[int(one["id"])] for one in told if one["active"]}
    same = {kind: row is None or row == theirs.get(kind) for kind, row in active.items()}
    encoder = theirs.get(ModelKind.BI_ENCODER)
    if encoder is not None and same[ModelKind.BI_ENCODER]:
        partitions.ensure_partition(session, encoder, with_index=False)
    return _Known(
        ids={old: row.id for old, row in found.items()},
        vectors_of=encoder if same[ModelKind.BI_ENCODER] else None,
        differ=not all(same.values()),
    )


def _ensured(session: Session, told: dict[str, Any]) -> ModelRow:
    wanted = {name: told[name] for name in ("name", "digest", "dimension")}
    return models.ensure_model(session, kind=ModelKind(told["kind"]), **wanted)


def _make_way(engine: Engine, model: ModelRow | None, *, new: int) -> bool:
    """Return whether the vector index was dropped, to be built again with the new vectors."""
    if model is None:
        return False
    try:
        with make_sessions(engine).begin() as session:
            stored = sum(count for _, count in changes.forums_by_size(session, model.id))
            return partitions.make_way(session, model.id, stored=stored, new=new)
    except OperationalError:  # a long search uses the index: it stays, and adding rows takes longer
        return False


def _reserve(engine: Engine, ids: Mapping[str, list[int] | None]) -> dict[str, _Range]:
    """Reserve a range of new ids in each table, so that other inserts get other ids."""
    found = {}
    with engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_RESERVING)))
        for table, span in ids.items():
            if span is not None:
                low, high = map(int, span)
                given = {"table": table, "size": high - low, "gap": _GAP}
                last = connection.execute(_AHEAD, given).scalar_one()
                found[table] = _Range(low, high, last - high)
    return found


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Where the rows go, and their new ids."""

    connection: Connection
    name: str
    ranges: Mapping[str, _Range]
    known: _Known

    def put(self, part: Part, reader: TableReader, say: Say) -> int:
        """Take a table from the file; return how many rows were in it."""
        run, names = self.connection.exec_driver_sql, names_of(part.columns)
        run(f'CREATE TEMP TABLE moved AS SELECT {names} FROM "{part.table}" LIMIT 0')  # noqa: S608
        rows = copy_in(self.connection, "moved", part.columns, reader, say)
        if part.table != "embeddings" or self.known.vectors_of is not None:
            parameters = {"name": self.name} if part.table == "forums" else {}
            self.connection.execute(text(self._insert(part)), parameters)
        run("DROP TABLE moved")
        return rows

    def _insert(self, part: Part) -> str:
        values = self._values(part)
        always, order = (" OVERRIDING SYSTEM VALUE", " ORDER BY id") if part.has_ids else ("", "")
        return (
            f'INSERT INTO "{part.table}" ({names_of(list(values))}){always}'  # noqa: S608
            f" SELECT {', '.join(values.values())} FROM moved{order}"
        )

    def _values(self, part: Part) -> dict[str, str]:
        """Return the new value of each column, as SQL."""
        values = {name: f'"{name}"' for name in part.columns}
        for column, table in references(part.table):
            if column in values:
                new = self._number(f'"{column}"', table)
                or_zero = column in _OR_ZERO.get(part.table, ())
                values[column] = f"coalesce({new}, 0)" if or_zero else new
        for column in part.columns:
            keys = IN_JSON.get((part.table, column))
            if keys is not None:
                values[column] = self._json(f'"{column}"', keys)
        return values | dict(part.given)

    def _number(self, old: str, table: str) -> str:
        if table == "models":
            whens = " ".join(f"WHEN {one} THEN {other}" for one, other in self.known.ids.items())
            return f"CASE {old} {whens} END" if whens else "NULL::int"
        found = self.ranges.get(table)
        return "NULL::bigint" if found is None else found.sql(old)

    def _json(self, column: str, keys: Mapping[str, str]) -> str:
        whens = "".join(
            f" WHEN key = '{key}' AND jsonb_typeof(value) = 'number'"  # noqa: S608  # as above
            f" THEN coalesce(to_jsonb({self._number('(value::bigint)', table)}), 'null')"
            f" WHEN key = '{key}' AND jsonb_typeof(value) = 'array'"
            f" THEN (SELECT coalesce(jsonb_agg({self._number('(one::bigint)', table)}), '[]')"
            " FROM jsonb_array_elements(value) AS listed (one))"
            for key, table in keys.items()
        )
        return (
            f"(SELECT coalesce(jsonb_object_agg(key, CASE{whens} ELSE value END), '{{}}')"  # noqa: S608
            f" FROM jsonb_each({column}))"
        )


def _load(arrival: _Arrival, reader: Reader, say: Say) -> dict[str, int]:
    rows, read = {}, {}
    for part in PARTS:
        content = TableReader(reader.parts(part.table))
        rows[part.table] = arrival.put(part, content, say)
        read[part.table] = content.finish().digest
    end = reader.next_json(END)["tables"]
    for table, held in end.items():
        if (held["rows"], held["sha256"]) != (rows[table], read[table]):
            raise UnreadableBackupError(f"the rows of {table} are not those that were exported")
    return rows


def _let_in(session: Session, name: str, told: list[dict[str, str]]) -> dict[str, bool]:
    """Give the forum's people the same roles here; return who is new here."""
    forum = forums.get_forum(session, name)
    before = {row.name for row, _ in people.list_people(session)}
    for one in told:
        person = people.ensure_person(session, one["name"])
        people.set_role(session, person.id, forum.id, Role(one["role"]))
    return {one["name"]: one["name"] not in before for one in told}
