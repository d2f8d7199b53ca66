"""Keeps rows of other tables that belong to questions in SQLite while an archive is read."""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from worker.archives.readers.meaning.shapes import Lookup
from worker.archives.readers.records import Row
from worker.archives.readers.values.conditions import Condition, value_at

_BATCH = 2_000
_BODY_KEPT = 200_000
"""Characters of a text that are kept: more than a body may have."""


class Lookups:
    """The lookups of one archive."""

    def __init__(self) -> None:
        # Without a name SQLite uses a temporary file, and deletes it on closing.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._names: dict[str, Lookup] = {}

    def fill(self, lookup: Lookup, rows: Iterable[Row]) -> int:
        """Keep *rows* of a lookup's table, the first row of each key, and return how many.

        If the table has no rows, no question has this lookup.
        """
        self._database.execute(
            f'CREATE TABLE IF NOT EXISTS "{lookup.name}" (key TEXT PRIMARY KEY, held TEXT)'
            " WITHOUT ROWID"
        )
        conditions = tuple(map(Condition.parse, lookup.where))
        count, seen, batch = 0, 0, list[tuple[str, str]]()
        self._database.execute("BEGIN")
        for row in rows:
            seen += 1
            if isinstance(row.values, str) or not all(one.is_met(row.values) for one in conditions):
                continue
            key = path_value(row.values, lookup.key)
            if key in {None, ""}:
                continue
            held = {name: _kept(row.values.get(name)) for name in lookup.columns}
            batch.append((_plain(key), json.dumps(held, default=str)))
            count += 1
            if len(batch) >= _BATCH:
                self._save(lookup, batch)
        self._save(lookup, batch)
        self._database.execute("COMMIT")
        if count or (seen and lookup.table):
            self._names[lookup.name] = lookup
        return count

    def _save(self, lookup: Lookup, batch: list[tuple[str, str]]) -> None:
        statement = f'INSERT OR IGNORE INTO "{lookup.name}" VALUES (?, ?)'  # noqa: S608  # our own name
        self._database.executemany(statement, batch)
        batch.clear()

    def join(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row *values* with its looked-up rows, by the names of the lookups."""
        joined = dict(values)
        for name, lookup in self._names.items():
            joined[name] = self._find(name, path_value(joined, lookup.via))
        return joined

    def _find(self, name: str, key: object) -> dict[str, Any]:
        if key in {None, ""}:
            return {}
        statement = f'SELECT held FROM "{name}" WHERE key = ?'  # noqa: S608  # our own name
        found = self._database.execute(statement, (_plain(key),)).fetchone()
        held = json.loads(found[0]) if found else {}
        return held if isinstance(held, dict) else {}

    def close(self) -> None:
        """Delete all rows."""
        self._database.close()


def path_value(row: Mapping[str, Any], paths: str) -> Any:
    """Return the first value of the alternatives *paths*; one may end in ``~REGEX``."""
    for path in paths.split("|") if "~" not in paths else [paths]:
        column, _, pattern = path.partition("~")
        value = row[column] if column in row else value_at(row, column)
        if pattern and value is not None:
            found = re.search(pattern, str(value))
            value = found[1] if found else None
        if isinstance(value, (dict, list)):
            return None
        if value is not None and value != "":
            return value
    return None


def _kept(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")[:_BODY_KEPT]
    return value[:_BODY_KEPT] if isinstance(value, str) else value


def _plain(key: object) -> str:
    if isinstance(key, float) and key.is_integer():
        return str(int(key))
    return str(key).strip()
