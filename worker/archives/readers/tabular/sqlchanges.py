"""Carries out the plain ``DELETE`` and ``UPDATE`` statements of a dump on the rows before them.

Plain are constants in columns, and conditions that columns equal constants, joined by ``OR``.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from worker.archives.readers.tabular.sqlvalues import ESCAPED, FORM, PLAIN_TEXT, value_of

_MOST = 200_000
"""Conditions that are kept for one table."""
_MOST_OF_ONE = 100
"""Changes of one row that are kept: each row goes through all that concern it."""
_PLACE = itemgetter(0)
_COLUMN = r'(?:[`"\[]?[\w$-]+[`"\]]?\s*\.\s*){0,2}[`"\[]?[\w$-]+[`"\]]?'


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes the rows before it."""

    where: Sequence[tuple[str, str]]
    """Columns and their texts, one of which a row must have; all rows are changed without any."""
    sets: Mapping[str, Any] | None
    """The new values of columns; None if the rows are deleted."""


class _Forms:
    """The patterns of statements from behind the table's name to the semicolon."""

    def __init__(self, *, is_mysql: bool) -> None:
        body = ESCAPED if is_mysql else PLAIN_TEXT
        value = rf"(?:[Nn]?'{body}'|[Ee]'{ESCAPED}'|-?\d++(?![\w.])|NULL|TRUE|FALSE)(?:::\w+)?"
        self.value = re.compile(value, re.IGNORECASE)
        pair = rf"{_COLUMN}\s*=\s*{value}"
        item = rf"{_COLUMN}\s*(?:=\s*{value}|IN\s*\(\s*{value}(?:\s*,\s*{value})*+\s*\))"
        named = item.replace(_COLUMN, f"(?P<column>{_COLUMN})", 1)
        self.item = re.compile(named, re.IGNORECASE)
        where = rf"(?:\s*WHERE\b(?P<where>[\s(]*{item}[\s)]*(?:\bOR\b[\s(]*{item}[\s)]*)*+))?\s*;"
        begin = rf"(?:\s*SET\s+(?P<sets>{pair}(?:\s*,\s*{pair})*+))?+"
        self.whole = re.compile(begin + where, re.IGNORECASE | re.DOTALL)


_FORMS = {is_mysql: _Forms(is_mysql=is_mysql) for is_mysql in (True, False)}


def parse(text: str, place: int, columns: Sequence[str], *, is_mysql: bool) -> Change | None:
    """Return the statement whose table's name ends at *place*, or None if it is not plain."""
    forms = _FORMS[is_mysql]
    found = forms.whole.match(text, place)
    if found is None:
        return None
    own = {name.lower(): name for name in columns}
    where = list(_pairs(found["where"] or "", own, forms, is_mysql=is_mysql))
    sets = list(_pairs(found["sets"] or "", own, forms, is_mysql=is_mysql))
    texts = [(column, _text(value, is_mysql=is_mysql)) for column, value in where]
    if any(column is None for column, _ in (*where, *sets)) or any(not text for _, text in texts):
        return None
    return Change(
        [(column, text) for column, text in texts if column and text],
        {column: value for column, value in sets if column} if sets else None,
    )


def _pairs(
    text: str, own: Mapping[str, str], forms: _Forms, *, is_mysql: bool
) -> Iterator[tuple[str | None, Any]]:
    """Yield each column in *text* with its values; None in place of a column that is not known."""
    for item in forms.item.finditer(text):
        name = re.sub(r'[`"\[\]\s]', "", item["column"]).rpartition(".")[2].lower()
        for value in forms.value.finditer(text, item.end("column"), item.end()):
            if read := FORM[is_mysql].match(f"{value[0]},"):
                yield own.get(name), value_of(read, is_mysql=is_mysql)


def _text(value: object, *, is_mysql: bool) -> str | None:
    """Return the text by which values are compared; MySQL makes no difference of case."""
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.casefold() if is_mysql else text


class Changes:
    """All plain changes of one table, by the places of their statements in the dump."""

    def __init__(self, *, is_mysql: bool) -> None:
        self._is_mysql = is_mysql
        self._every: list[tuple[int, Change]] = []
        self._by_value: dict[str, dict[str, list[tuple[int, Change]]]] = {}
        self._count = 0
        self.kept: set[int] = set()
        """The places of the changes that are kept: too many need too much memory."""

    def add(self, place: int, change: Change) -> None:
        """Keep *change* if there is room for it."""
        self._count += len(change.where) or 1
        held = [
            self._by_value.setdefault(column, {}).setdefault(text, [])
            for column, text in change.where
        ] or [self._every]
        if self._count > _MOST or max(map(len, held)) >= _MOST_OF_ONE:
            return
        self.kept.add(place)
        for some in held:
            some.append((place, change))

    def applied(self, place: int, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return *row* of the statement at *place* as it is at the end; None if it is deleted."""
        while found := self._next(place, row):
            place, change = found
            if change.sets is None:
                return None
            row = {**row, **change.sets}
        return row

    def _next(self, place: int, row: Mapping[str, Any]) -> tuple[int, Change] | None:
        """Return the first change behind *place* that concerns *row*."""
        met = [self._every]
        for column, by_value in self._by_value.items():
            text = _text(row.get(column), is_mysql=self._is_mysql)
            met.append(by_value.get(text, []) if text is not None else [])
        later = ((some, bisect_right(some, place, key=_PLACE)) for some in met)
        return min((some[at] for some, at in later if at < len(some)), key=_PLACE, default=None)
