"""Forums, categories and topics that are hidden as a whole, with all the questions in them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from worker.archives.readers.meaning.columns import plain_name
from worker.archives.readers.meaning.english import TOPICS
from worker.archives.readers.meaning.hiding import Rule, hiding_rules, label_rules, place_of
from worker.archives.readers.meaning.shapes import Lookup
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.table import Table
from worker.archives.readers.values.conditions import Condition, value_at

_SAMPLED = 5_000
_NAMES = ("name", "title", "slug", "label")
_IDS = ("id", "uuid", "pk", "key")


class InsideHiddenError(UnreadableArchiveError):
    """The questions are inside objects that may be hidden as a whole."""


def refuse_inside_hidden(table: Table, tables: Sequence[Table]) -> None:
    """Raise `InsideHiddenError` if *table* is inside objects, some of which may be hidden."""
    for one in tables:
        if one.path is None or one.is_single or not _is_inside(table, one.path):
            continue
        is_around = table.path is not None and one.path == table.path[:-1]
        given = table.given if is_around else frozenset()
        column = next((name for name in _hiding(one) if name not in given), None)
        if column is not None:
            raise InsideHiddenError(
                f"{table.name} lies inside {one.name}, whose {column} may hide all that"
                f" is in it: keep only what everybody may read, then say --records {table.name}"
            )


def _is_inside(table: Table, path: Sequence[str]) -> bool:
    own = table.path or ()
    return len(path) < len(own) and tuple(own[: len(path)]) == tuple(path)


def _hiding(table: Table) -> Iterator[str]:
    """Yield the columns of *table* that may hide what is inside its objects."""
    yield from (rule.column for _, rule in hiding_rules(table.columns) if rule.pattern is None)
    for rule in _met(table):
        yield rule.column


def _met(table: Table, *, has_names: bool = True) -> list[Condition]:
    """Return the rules that some row of *table* meets; with *has_names* their names count too."""
    named = [name for name in table.columns if has_names and plain_name(name) in _NAMES]
    rules = [*hiding_rules(table.columns), *label_rules([], named)]
    found: dict[str, Condition] = {}
    for row in islice(table.rows(), _SAMPLED):
        if not isinstance(row.values, str):
            values = row.values
            found |= {repr(rule): rule for _, rule in rules if rule.is_met(values)}
    return list(found.values())


def refuse_closed(tables: Sequence[Table]) -> None:
    """Raise `InsideHiddenError` if one of several *tables* is not for everybody by its name."""
    rules = [rule for _, rule in label_rules([], ["name"])]
    names = [one.name for one in tables if any(rule.is_met({"name": one.name}) for rule in rules)]
    if names and len(names) < len(tables):
        raise InsideHiddenError(
            f"not everybody may read {names[0]}, by its name: name the table to read, such as"
            f" --records {next(one.name for one in tables if one.name not in names)}"
        )


def closed(
    table: Table, others: Sequence[Table], decided: Collection[str] = ()
) -> tuple[list[tuple[Lookup, Table]], list[Rule]]:
    """Return what must be looked up in *others*, and the rules that then hide rows of *table*.

    One of *others* may have the forums or categories, or the topics of posts, and say that some of
    them are hidden. Columns that are *decided* have rules of the user.
    """
    lookups: list[tuple[Lookup, Table]] = []
    rules: list[Rule] = []
    for other in others:
        place = place_of(other.name)
        is_topic = place in TOPICS.split("|")
        met = _met(other, has_names=not is_topic) if place else []
        keys = _keys(table, other, place) if met else None
        if keys is None or keys[1] in decided:
            continue
        name, columns = f"its {place}", tuple(dict.fromkeys(rule.column for rule in met))
        lookup = Lookup(name=name, table=other.name, key=keys[0], via=keys[1], columns=columns)
        lookups.append((lookup, other))
        for rule in met:
            path = f"{name}.{rule.column}"
            rules.append(
                ("hidden topic" if is_topic else "closed category", replace(rule, column=path))
            )
    return lookups, rules


def _keys(table: Table, other: Table, place: str) -> tuple[str, str] | None:
    """Return the columns of *other* and of *table* with the same values, or None."""
    own = {plain_name(name): name for name in table.columns}
    vias = [
        own[name] for name in (f"{place}id", place, f"{place}name", f"{place}slug") if name in own
    ]
    named = {plain_name(name): name for name in other.columns}
    keys = [named[name] for name in (*_IDS, f"{place}id", *_NAMES) if name in named]
    for via in vias:
        wanted = _texts(table, via)
        for key in keys:
            if wanted & _texts(other, key):
                return key, via
    return None


def _texts(table: Table, column: str) -> set[str]:
    rows = (row.values for row in islice(table.rows(), _SAMPLED))
    values = (value_at(row, column) for row in rows if not isinstance(row, str))
    return {str(value).strip() for value in values if value not in (None, "")}
