"""Makes the tables of nested records: JSON (a document, or one object a line), YAML and TOML."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from worker.archives.readers.documents import (
    chats,
    json_lines,
    json_lists,
    json_rows,
    toml_rows,
    yaml_rows,
)
from worker.archives.readers.meaning.columns import KEY, plain_name
from worker.archives.readers.meaning.hiding import hiding_rules
from worker.archives.readers.records import (
    Row,
    Rows,
    UnreadableArchiveError,
    each_row,
)
from worker.archives.readers.sources import Entry
from worker.archives.readers.table import Hints, Make, Opened, Read, Table
from worker.archives.readers.values.conditions import value_at

_LOOK = 8 << 20
"""The first characters of a document, in which its tables are searched."""
_LINES, _SEVERAL = 2_000, 2
_CONTENTS = frozenset({("_source",), ("attributes",), ("fields",), ("document",), ("properties",)})
"""Keys under which an object has its content, while its id is beside the key."""
_IDS = frozenset({"_id", "id", "pk"})
_STATES = ("sys", "meta", "metadata", "properties", "info")
"""Keys beside the content whose objects may say whether it is shown."""
_MOMENTS = frozenset({"createdtime", "createdat", "created"})
_ANSWERS = frozenset({KEY, "question", "answer", "answers", "text", "content", "body", "a"})
"""Keys beside a question that is a key itself, which are not part of it."""
_MODEL = "model"
_ACTIONS = frozenset({"index", "create", "update"})
"""The line before each document in the bulk form of Elasticsearch has one of these keys."""


def json_document(entry: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    """Yield the tables of JSON documents."""
    with opened() as file:
        found = json_rows.look(file, _LOOK)
    if chats.is_slack(found, entry.name):
        read: Read = partial(chats.slack_rows, opened, entry.name)
        yield make(name="slack", columns=list(chats.SLACK_COLUMNS), parts=[read], path=())
    elif chats.is_discord(found):
        read = partial(chats.discord_row, opened)
        yield make(name="discord", columns=list(chats.DISCORD_COLUMNS), parts=[read], path=())
    elif json_lists.is_by_columns(found):
        yield make(
            name=entry.stem,
            columns=list(found.columns[()]),
            parts=[partial(_opened_rows, opened, json_lists.rows_by_columns)],
        )
    elif grid := json_lists.grid_of(opened, found, hints.columns):
        parts = [partial(_opened_rows, opened, grid.rows)]
        yield make(name=grid.name or entry.stem, columns=grid.columns, parts=parts)
    else:
        yield from _json_tables(entry, opened, found, make)


def _opened_rows(
    opened: Opened, read: Callable[[BinaryIO], Iterator[Row]], _: Collection[str]
) -> Iterator[Row]:
    with opened() as file:
        yield from read(file)


def _json_tables(
    entry: Entry, opened: Opened, found: json_rows.Found, make: Make
) -> Iterator[Table]:
    tables = list(_at_paths(entry, opened, found, make, json_rows.objects))
    if not tables:
        raise UnreadableArchiveError("no JSON object was found")
    yield from tables


def _at_paths(
    entry: Entry,
    opened: Opened,
    found: json_rows.Found,
    make: Make,
    objects: Callable[[BinaryIO, json_rows.Path], Iterator[Row]],
) -> Iterator[Table]:
    """Yield a table for each path at which objects were *found*, which *objects* reads."""

    def rows(path: json_rows.Path, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from objects(file, path)

    tables = found.tables()
    if asking := [path for path, columns in tables.items() if _ask(columns)]:
        every = [path for path, columns in tables.items() if all(map(_asks, columns)) and columns]
        asking = list(dict.fromkeys([*asking, *every]))
        inner = [name for path in asking for name in tables.get((*path, json_rows.ANY), ())]
        names = ["question", *(name for name in inner if name not in _ANSWERS)]
        read = partial(_keys_that_ask, rows, asking)
        yield make(name=entry.stem, columns=list(dict.fromkeys(names)), parts=[read], path=())
        return
    for path, columns in tables.items():
        given = _given_around(tables, path, columns)
        if _MODEL in given:
            yield from _of_models(partial(_with_given, rows, path, given), path, given, make)
            continue
        yield make(
            name=".".join(path) or entry.stem,
            columns=[*columns, *given],
            parts=[partial(_with_given, rows, path, given) if given else partial(rows, path)],
            path=path,
            given=frozenset(given),
            is_mixed=found.is_mixed(path),
            is_single=found.counts.get(path, 0) < _SEVERAL and found.is_single(path),
        )


def _ask(names: Collection[str]) -> bool:
    """Return whether the keys of an object are questions, and their values the answers."""
    asking = sum(map(_asks, names))
    return asking >= _SEVERAL and asking > len(names) / 2


def _asks(name: str) -> bool:
    return name.rstrip().endswith(("?", "\uff1f", "\u061f"))


def _keys_that_ask(
    rows: Callable[[json_rows.Path, Collection[str]], Iterator[Row]],
    paths: Sequence[json_rows.Path],
    columns: Collection[str],
) -> Iterator[Row]:
    for path in paths:
        for row in rows(path, columns):
            if isinstance(row.values, str):
                yield row
            else:
                for key, value in row.values.items():
                    inner = value if isinstance(value, dict) else {}
                    beside = {name: one for name, one in inner.items() if name not in _ANSWERS}
                    yield Row(row.line, {"question": key} | beside)


def _given_around(
    tables: Mapping[json_rows.Path, Collection[str]], path: json_rows.Path, columns: Collection[str]
) -> list[str]:
    """Return the paths of values, such as the id, that an object takes from the one around it.

    Search engines (``_source``), APIs (``attributes``) and programs (``fields``) write the content
    of an object under a key of its own. Beside the key are its id, and whether it is shown.
    """
    if path[-1:] not in _CONTENTS:
        return []
    around = tables.get(path[:-1], ())
    ids = (
        [] if _IDS & set(columns) else [name for name in (*sorted(_IDS), _MODEL) if name in around]
    )
    inner = [f"{one}.{name}" for one in _STATES for name in tables.get((*path[:-1], one), ())]
    if not ids and not _IDS & set(columns):
        ids = [name for name in inner if name == "sys.id"]
    moments = [name for name in around if plain_name(name) in _MOMENTS]
    hiding = [name for name in (*around, *inner) if hiding_rules([name])]
    return ids + [name for name in (*moments, *hiding) if name not in columns]


def _of_models(
    read: Callable[[Collection[str]], Iterator[Row]],
    path: json_rows.Path,
    given: Collection[str],
    make: Make,
) -> Iterator[Table]:
    """Yield a table for each model of a Django fixture: one may have persons, another topics."""
    columns: dict[str, dict[str, None]] = {}
    for row in read(()):
        if not isinstance(row.values, str):
            columns.setdefault(str(row.values.get(_MODEL)), {}).update(dict.fromkeys(row.values))

    def rows(model: str, _: Collection[str]) -> Iterator[Row]:
        for row in read(()):
            if isinstance(row.values, str) or row.values.get(_MODEL) == model:
                yield row

    for model, names in columns.items():
        own = [*(name for name in names if name not in given), *given]
        yield make(name=model, columns=own, parts=[partial(rows, model)], path=(*path, model))


def _with_given(
    rows: Callable[[json_rows.Path, Collection[str]], Iterator[Row]],
    path: json_rows.Path,
    given: Collection[str],
    columns: Collection[str],
) -> Iterator[Row]:
    inner = path[-1]
    for row in rows(path[:-1], columns):
        if isinstance(row.values, str) or not isinstance(row.values.get(inner), dict):
            yield Row(row.line, row.values if isinstance(row.values, str) else f"it has no {inner}")
        else:
            around = {name: value_at(row.values, name) for name in given}
            around = {name: value for name, value in around.items() if value is not None}
            yield Row(row.line, around | row.values[inner])


def json_rows_of_lines(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    """Yield the tables of JSON with an object on each line.

    Raises `UnreadableArchiveError` if there is no JSON object.
    """
    found, fault = json_rows.Found(), None
    with opened() as file:
        chars = 0
        for count, (number, value, length) in enumerate(json_lines.json_lines(file)):
            chars += length
            if isinstance(value, str):
                fault = fault or f": line {number}, {value}"
            else:
                found.see(value)
            if count >= _LINES or chars > _LOOK:
                break
    if not found.columns:
        raise UnreadableArchiveError(f"no JSON object was found{fault or ''}")

    is_bulk = found.columns.keys() & {(action,) for action in _ACTIONS} != set()
    if is_bulk:
        found.note((), ("_id",))

    def lines(_: Collection[str]) -> Iterator[Rows]:
        with opened() as file:
            found = json_lines.many_json_lines(file)
            yield from _behind_actions(each_row(found)) if is_bulk else found

    for table in _json_tables(entry, opened, found, make):
        if not table.path:
            table.parts = [lines]
        yield table


def toml(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    """Yield the tables of TOML."""
    with opened() as file:
        found = toml_rows.look(file)
    yield from _at_paths(entry, opened, found, make, toml_rows.rows)


def yaml(entry: Entry, opened: Opened, make: Make) -> list[Table]:
    """Return the tables of YAML."""
    with opened() as file:
        found = yaml_rows.look(file, _LOOK)
    return list(_at_paths(entry, opened, found, make, yaml_rows.rows))


def _behind_actions(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the documents with the ids in the lines before them."""
    given: dict[str, Any] = {}
    for row in rows:
        action = _action(row)
        if action is not None:
            given = action
        elif isinstance(row.values, str):
            yield row
        else:
            yield Row(row.line, {"_id": given.get("_id")} | dict(row.values))
            given = {}


def _action(row: Row) -> dict[str, Any] | None:
    """Return the values of an action's line, which are for the next line; None for other lines."""
    if isinstance(row.values, str) or len(row.values) != 1:
        return None
    name, value = next(iter(row.values.items()))
    return value if name in _ACTIONS and isinstance(value, dict) else None
