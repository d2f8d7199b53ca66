"""Makes the query of a page of questions from the shape of the forum software's database.

If a version of the software or an extension lacks a column, the parts that need it are left out.
The database itself decides which questions are hidden.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from worker.archives.readers.meaning.shapes import Database, Lookup, Shape, Sql
from worker.archives.readers.values.conditions import Condition

_TEXT = {"mysql": "CHAR", "postgresql": "text"}
_MATCHES = {"mysql": "REGEXP", "postgresql": "~*"}
_MEANT: Mapping[str, tuple[str, ...]] = {
    "empty": ("", "0", "false", "0000-00-00 00:00:00"),
    "yes": ("1", "true"),
    "no": ("0", "false"),
}
_ELSEWHERE = {"id", "url"}
"""Fields that are made from the number of a question."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query for the questions of one database."""

    shape: Shape
    database: Database
    known: frozenset[str]
    """The columns of the database, as ``table.column`` without the prefix."""

    def fields(self) -> dict[str, str]:
        """Return the SQL of each field that this database has."""
        given = {**self.shape.fields, **self.database.fields}
        found = {
            name: self._asked(one) if isinstance(one, Sql) else self._column(one)
            for name, one in given.items()
            if name not in _ELSEWHERE
        }
        return {name: sql for name, sql in found.items() if sql is not None}

    def page(self, prefix: str, *, is_since: bool, limit: int) -> str:
        """Return the query of *limit* questions with numbers above ``%(after)s``."""
        fields = self.fields()
        key = self._column(self.shape.fields["id"])
        shown = ", ".join(f"{sql} AS {name}" for name, sql in fields.items())
        hidden = f"CASE {' '.join(self._reasons())} END AS hidden"
        changed = fields.get("updated_at", fields["asked_at"])
        query = (
            f"SELECT {key} AS id, {shown}, {hidden} FROM {self._tables()} WHERE {key} > %(after)s"  # noqa: S608
            f"{f' AND ({changed}) >= %(since)s' if is_since else ''} ORDER BY {key} LIMIT {limit}"
        )
        return re.sub(r"%(?!\(\w+\)s)", "%%", query).replace("{p}", prefix)

    def _tables(self) -> str:
        joins = (
            f" LEFT JOIN {{p}}{one.table} {one.name} ON {self._on(one)}" for one in self._joined()
        )
        return f"{{p}}{self.shape.table} t{''.join(joins)}"

    def _joined(self) -> Iterator[Lookup]:
        return (one for one in self.shape.lookups if one.name in self.database.joins)

    def _on(self, lookup: Lookup) -> str:
        same = f"{_key(lookup)} = {self._column(lookup.via)}"
        where = (self._condition(Condition.parse(f"{lookup.name}.{one}")) for one in lookup.where)
        return " AND ".join([same, *filter(None, where)])

    def _column(self, paths: str) -> str | None:
        """Return the first of the alternatives *paths* that this database has."""
        tables = {"t": self.shape.table, **{one.name: one.table for one in self._joined()}}
        for path in paths.split("|"):
            lookup, _, column = path.rpartition(".")
            alias = lookup or "t"
            if f"{tables.get(alias)}.{column}" in self.known:
                return f"{alias}.{column}"
        return None

    def _reasons(self) -> Iterator[str]:
        """Yield the ``WHEN`` branches that name the reason why a question is hidden."""
        seen, more = self.shape.hidden, self.database.hidden
        for reason in {**seen, **more}:
            asked = map(self._asked, (*seen.get(reason, ()), *more.get(reason, ())))
            if usable := [f"({one})" for one in asked if one is not None]:
                yield f"WHEN {' OR '.join(usable)} THEN '{reason}'"

    def _asked(self, given: Sql | str) -> str | None:
        if isinstance(given, Sql):
            return given.sql if self.known.issuperset(given.needs) else None
        return self._condition(Condition.parse(given))

    def _condition(self, condition: Condition) -> str | None:
        """Return a condition on a column, or on the existence of a lookup, as SQL.

        Return None if the database lacks the column.
        """
        lookup = next((one for one in self._joined() if one.name == condition.column), None)
        if lookup is not None:
            is_missing = ("missing" in condition.wanted) != condition.negated
            return f"{_key(lookup)} IS {'' if is_missing else 'NOT '}NULL"
        column = self._column(condition.column)
        if column is None:
            return None
        text = f"LOWER(CAST({column} AS {_TEXT[self.database.engine]}))"
        if column.startswith("t."):  # a missing lookup stays NULL
            text = f"COALESCE({text}, '')"
        sign = "NOT " if condition.negated else ""
        if condition.pattern is not None:
            matches = _MATCHES[self.database.engine]
            return f"{sign}{text} {matches} {_quoted(condition.pattern.pattern)}"
        values = chain.from_iterable(_MEANT.get(one, (one,)) for one in condition.wanted)
        return f"{text} {sign}IN ({', '.join(map(_quoted, sorted(values)))})"


def _key(lookup: Lookup) -> str:
    return f"{lookup.name}.{lookup.key.partition('|')[0]}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
