"""Recognises which table of a source has the questions, and how to read it.

If this is not certain, an error asks the user.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from worker.archives.load_job import Format
from worker.archives.readers import ids, places, shown
from worker.archives.readers.documents.json_rows import ANY
from worker.archives.readers.meaning.columns import (
    TEXTS,
    Columns,
    check_chosen,
    is_of_others,
    is_private,
)
from worker.archives.readers.meaning.hiding import Rule, hiding_rules, label_rules, place_of
from worker.archives.readers.meaning.reading import Plan, Wishes, generic_plan
from worker.archives.readers.meaning.shapes import Known, Lookup, Shape
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.table import Table, inner
from worker.archives.readers.values.conditions import Condition

_SHOWN = 8
_THESE_ARE = "these are"
_SAMPLED = 5_000
"""Among so many rows of a document one must be a question by the shape's own rules."""
_OF_ANYTHING = 2
"""Objects with at most so many known columns, such as an id and a title, may be of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tables to read, and how."""

    tables: Sequence[Table]
    """Tables of the same kind, read one after the other."""
    plan: Plan
    shape: Shape | None = None
    lookups: Sequence[tuple[Lookup, Table]] = ()
    unread: Sequence[str] = ()
    """Tables in which no questions were found, except those inside of others."""
    missing: Sequence[str] = ()
    """Missing tables that would show which questions are hidden."""

    @property
    def columns(self) -> Columns:
        """Return the column of each field."""
        have = {name for table in self.tables for name in table.columns}
        named = {lookup.name for lookup, _ in self.lookups}
        names = {}
        for field, paths in self.plan.fields.items():
            usable = [path for path in paths if _root(path) in have | named]
            if usable:
                names[field] = usable[0]
        return Columns(names)

    @property
    def used(self) -> set[str]:
        """Return the columns that are read."""
        paths = [path for paths in self.plan.fields.values() for path in paths]
        rules = [condition for _, condition in self.plan.hidden] + list(self.plan.kept)
        vias = [via for lookup, _ in self.lookups for via in lookup.via.split("|")]
        return {_root(one) for one in (*paths, *(rule.column for rule in rules), *vias)}


def _root(path: str) -> str:
    return path.partition("~")[0].partition(".")[0]


def choose(
    tables: Sequence[Table], wishes: Wishes, *, records: str = "", shape: str = ""
) -> Choice:
    """Return which of *tables* to read; *records* names one, and *shape* a known program.

    Raises `UnreadableArchiveError`, which lists the tables and the options to choose one.
    """
    if records:
        tables = _named(tables, records)
    known = Known.all()
    if shape and known.named(shape) is None:
        names = ", ".join(dict.fromkeys(one.name for one in known.shapes))
        raise UnreadableArchiveError(f"--as {shape}: no such program; there are {names}")
    if "title" not in wishes.chosen:
        for one in known.shapes:
            choice = _shaped(one, tables, wishes) if shape in {"", one.name} else None
            if choice is not None and (shape or not _is_of_another(choice)):
                return choice
    if shape:
        raise UnreadableArchiveError(
            f"--as {shape}: no table here has this shape: {_shown(tables)}"
        )
    return _generic(tables, wishes, known)


def _is_of_another(choice: Choice) -> bool:
    """Return whether no sampled row is a question, so that another program may be the writer."""
    kept, table = choice.plan.kept, choice.tables[0]
    if not kept or table.path is None:
        return False
    some = islice(table.rows(), _SAMPLED)
    values = (row.values for row in some if not isinstance(row.values, str))
    return not any(all(one.is_met(row) for one in kept) for row in values)


def _named(tables: Sequence[Table], records: str) -> list[Table]:
    wanted = records.strip("./")
    found = [one for one in tables if one.name == wanted]
    if not found:
        raise UnreadableArchiveError(
            f"--records {records}: there is no such table; there are {_shown(tables)}"
        )
    return found


def _shown(tables: Sequence[Table]) -> str:
    some = [
        f"{one.name or 'the document'} ({', '.join(map(str, one.columns[:6]))})" for one in tables
    ]
    more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
    return "; ".join(some[:_SHOWN]) + more


def _shaped(shape: Shape, tables: Sequence[Table], wishes: Wishes) -> Choice | None:
    fitting = [one for one in tables if shape.fits(one.columns)]
    by_name = [one for one in fitting if shape.prefix(one.name) is not None]
    is_several = len(tables) > 1 and shape.table
    is_named = len(fitting) > 1 or any(one.form is Format.SQL for one in fitting)
    found = by_name or ([] if is_several and is_named else fitting)
    if not found:
        return None
    found = _without_doubles(found)
    for one in found:
        check_chosen(dict(wishes.chosen), one.columns, is_nested=one.is_nested)
    lookups = list(_lookups(shape, found, tables))
    named = {_root(path) for path in shape.plan(wishes.chosen).fields["title"]}
    if not named & {*found[0].columns, *(lookup.name for lookup, _ in lookups)}:
        return None
    there = {lookup.name for lookup, _ in lookups}
    if any(lookup.is_needed and lookup.name not in there for lookup in shape.lookups):
        return None
    hiding = {condition.column.partition(".")[0] for _, condition in shape.plan({}).hidden}
    missing = [
        lookup.table
        for lookup in shape.lookups
        if lookup.name not in there and lookup.name in hiding
    ]
    return Choice(
        tables=found,
        plan=_with_own_flags(shape, wishes, found[0], tables),
        shape=shape,
        lookups=lookups,
        missing=[name for name in missing if name],
    )


def _with_own_flags(shape: Shape, wishes: Wishes, table: Table, tables: Sequence[Table]) -> Plan:
    """Return the plan of *shape*, with the rules for hidden questions from unknown columns.

    Plugins and later versions of the program add such columns, also beside a title inside an
    object.
    """
    plan = shape.plan(wishes.chosen)
    vias = [path for lookup in shape.lookups for path in lookup.via.split("|")]
    paths = [path for paths in plan.fields.values() for path in paths]
    rules = [condition.column for _, condition in plan.hidden]
    kept = [condition.column for condition in plan.kept]
    said = [Condition.parse(one).column for one in wishes.visible_if]
    known = {_root(path) for path in (*vias, *paths, *rules, *kept, *said, *shape.knows)}
    own = [name for name in table.columns if name not in known]
    around = {path.rpartition(".")[0] for path in plan.fields["title"] if "." in path}
    beside = [name for name in inner(table, tables) if name.rpartition(".")[0] in around]
    beside = [name for name in beside if name not in {*vias, *paths, *rules, *kept, *said}]
    flags = [(reason, rule) for reason, rule in hiding_rules(beside) if rule.pattern is None]
    flags += _of_places(name for name in inner(table, tables) if name not in {*rules, *kept, *said})
    tags, categories = (
        [path for path in plan.fields.get(field, ()) if _root(path) == path and path not in said]
        for field in ("tags", "category")
    )
    labels = label_rules(tags, categories, is_known=True)
    return replace(plan, hidden=(*plan.hidden, *hiding_rules(own), *flags, *labels))


def _of_places(names: Iterable[str]) -> list[Rule]:
    """Return the rules of flags inside of a row's forum, repository or the like."""
    own = [name for name in names if place_of(name.rpartition(".")[0])]
    return [("closed category", rule) for _, rule in hiding_rules(own) if rule.pattern is None]


def _lookups(
    shape: Shape, found: Sequence[Table], tables: Sequence[Table]
) -> Iterator[tuple[Lookup, Table]]:
    prefix = shape.prefix(found[0].name) or ""
    for lookup in shape.lookups:
        if not lookup.table:
            yield from ((lookup, one) for one in found)
            continue
        names = {f"{start}{lookup.table}{end}" for start in (prefix, "") for end in ("", "s")}
        for one in tables:
            if one.name.rpartition(".")[2] in names and _has_key(one, lookup.key):
                yield lookup, one


def _has_key(table: Table, key: str) -> bool:
    return any(_root(one) in table.columns for one in key.split("|"))


def _without_doubles(found: Sequence[Table]) -> list[Table]:
    """Return the tables without those whose path another table's path with ``*`` includes."""
    paths = [one.path for one in found if one.path and ANY in one.path]
    return [
        one
        for one in found
        if one.path is None
        or ANY in one.path
        or not any(_covers(path, one.path) for path in paths if path)
    ]


def _covers(pattern: Sequence[str], path: Sequence[str]) -> bool:
    return len(pattern) == len(path) and all(
        a in {ANY, b} for a, b in zip(pattern, path, strict=True)
    )


def _generic(tables: Sequence[Table], wishes: Wishes, known: Known) -> Choice:
    plans: list[tuple[Table, Plan]] = []
    errors: list[str] = []
    inside: list[tuple[Table, places.InsideHiddenError]] = []
    for one in tables:
        try:
            plans.append((one, _generic_plan(one, tables, wishes, known)))
        except places.InsideHiddenError as error:
            inside.append((one, error))
        except UnreadableArchiveError as error:
            errors.append(str(error))
    for one, why in inside:
        if not any(_is_around(table, plan, one) for table, plan in plans):
            raise why
    plans = _outermost(plans)
    if not plans:
        if len(tables) == 1:
            raise UnreadableArchiveError(errors[0])
        known_as = "".join(f" {one};" for one in errors if one.startswith(_THESE_ARE))
        raise UnreadableArchiveError(
            f"which of these are questions?{known_as} {_shown(tables)}. Name them with"
            " --records NAME and --map title=COLUMN"
        )
    first = plans[0][0]
    if any(set(one.columns) != set(first.columns) for one, _ in plans) or (
        len({one.path for one, _ in plans}) > 1
    ):
        told = _shown([one for one, _ in plans])
        raise UnreadableArchiveError(
            f"which of these are the questions? {told}. Name them with --records NAME"
        )
    found = [one for one, _ in plans]
    places.refuse_closed(found)
    names = [*first.columns, *inner(first, tables)]
    decided = {Condition.parse(one).column for one in wishes.visible_if} | {*wishes.chosen.values()}
    hidden = shown.unsaid(found, [name for name in names if name not in decided])
    lookups, closed = places.closed(first, [one for one in tables if one not in found], decided)
    plan = _with_ids(plans[0][1], found, wishes)
    if "id" in plan.fields and sum(len(one.parts) for one in found) > 1:
        ids.refuse_shared(found, [plan.fields["id"][0], plan.fields["title"][0]])
    plan = replace(plan, hidden=(*plan.hidden, *hidden, *closed))
    return Choice(tables=found, plan=plan, lookups=lookups, unread=_unread(tables, found, lookups))


def _unread(
    tables: Sequence[Table], found: Sequence[Table], lookups: Sequence[tuple[Lookup, Table]]
) -> list[str]:
    if any(one.path for one in found):
        return []  # a table without a path may be the one around them
    used = [*found, *(table for _, table in lookups)]
    return [one.name for one in tables if not one.path and one not in used]


def _with_ids(plan: Plan, tables: Sequence[Table], wishes: Wishes) -> Plan:
    if "id" in {*plan.fields, *wishes.chosen} or "title2" in plan.fields:
        return plan
    taken = [path for paths in plan.fields.values() for path in paths]
    name = ids.unique(tables, taken)
    return plan if name is None else replace(plan, fields={**plan.fields, "id": (name,)})


def _generic_plan(table: Table, tables: Sequence[Table], wishes: Wishes, known: Known) -> Plan:
    """Return how to read a table of no known program.

    Raises `UnreadableArchiveError` if it has no questions.
    """
    about = next((other.about for other in known.others if other.fits(table.columns)), None)
    if about is None and is_private(table.name):
        about = f"private messages ({table.name}), by their name"
    if about is None and len(tables) > 1 and is_of_others(table.name):
        about = f"{table.name}, by their name"
    if about and "title" not in wishes.chosen:
        raise UnreadableArchiveError(f"{_THESE_ARE} {about}, not questions")
    if table.is_mixed:
        raise UnreadableArchiveError(f"{table.name} are objects of different kinds")
    plan = _plan_of_words(table, tables, wishes)
    if table.is_single and not {"id", "url", "asked_at"} & plan.fields.keys():
        raise UnreadableArchiveError(
            f"{table.name} is one object with a title, perhaps of a forum or a page"
        )
    places.refuse_inside_hidden(table, tables)
    return plan


def _plan_of_words(table: Table, tables: Sequence[Table], wishes: Wishes) -> Plan:
    """Return a plan by which no column of flags or numbers is a title or a body."""
    wordless: dict[str, bool] = {}
    while True:
        plan = generic_plan(
            table.columns,
            wishes,
            is_nested=table.is_nested,
            inner=inner(table, tables),
            wordless=wordless,
        )
        texts = {plan.fields[name][0] for name in TEXTS if name in plan.fields}
        more = shown.wordless(table, texts - {*wordless, *wishes.chosen.values()})
        if not more:
            return plan
        wordless |= more


def _outermost(plans: list[tuple[Table, Plan]]) -> list[tuple[Table, Plan]]:
    """Return the plans without those of objects inside objects that are surely questions."""
    kept_tables = _without_doubles([one for one, _ in plans])
    plans = [(one, plan) for one, plan in plans if one in kept_tables]
    return [
        (one, plan)
        for one, plan in plans
        if not any(_is_around(table, other, one) for table, other in plans)
    ]


def _is_around(table: Table, plan: Plan, inner: Table) -> bool:
    """Return whether the objects of *table* are surely questions, and have those of *inner*."""
    path, own = table.path, inner.path
    if path is None or own is None or len(plan.fields) <= _OF_ANYTHING:
        return False
    return len(path) < len(own) and own[: len(path)] == path
