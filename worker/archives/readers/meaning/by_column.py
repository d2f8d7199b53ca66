"""Reads thousands of rows at once, column by column, with the result of `Reading` for each row.

If a whole column is plain, it is read at once; other values are read one by one with the functions
of `Reading`. A row is odd if it is hidden, or if a value of it must be dropped or rejected:
`Reading` reads it alone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import compress
from typing import Any, TypeVar

from db.questions.rows import NO_FACTS, Facts
from worker.archives.readers.meaning.facts import facts_of_row
from worker.archives.readers.meaning.hiding import Rule
from worker.archives.readers.meaning.parts import Part, digest_of, parts_of
from worker.archives.readers.meaning.reading import TOTALS, Reading, removed
from worker.archives.readers.records import (
    Block,
    Memory,
    Piece,
    Record,
    Rows,
    Same,
    SourceQuestion,
    each_row,
)
from worker.archives.readers.values.conditions import NULLS, Condition
from worker.archives.readers.values.moments import moments_of
from worker.archives.readers.values.texts import (
    DATABASE_NULLS,
    SIMPLE_URL,
    Optionals,
    ValueUnusableError,
    id_text,
    required_text,
)
from worker.text.intake import ID_LENGTH, LABEL_LENGTH, TITLE_LENGTH, URL_LENGTH, instant_of
from worker.text.many import is_plain
from worker.text.normal import first_digest

_KEPT = frozenset({str, int, type(None)})
"""Types whose equal values are always read in the same way."""
_MOST_KNOWN = 4_096
_T = TypeVar("_T")
_NO_MEMORY = Memory()

Odd = set[int]
"""Places of the rows that must be read alone."""


class ByColumn:
    """Reads the rows of one table after its head."""

    def __init__(
        self, reading: Reading, used: Collection[str] = (), memory: Memory = _NO_MEMORY
    ) -> None:
        self._reading, self._used, self._memory = reading, sorted(used), memory
        self._facts_known: dict[Any, Facts] = {}
        """The facts of earlier rows, by their values."""

    @property
    def _conditions(self) -> Iterator[tuple[Condition, bool]]:
        """Yield each condition, and whether a row is odd if it is met (True) or not met (False)."""
        reading = self._reading
        yield from ((condition, True) for _, condition in reading.plan.hidden)
        yield from ((condition, False) for condition in (*reading.visible, *reading.plan.kept))

    def learn(self, rules: Sequence[Rule]) -> None:
        """Add rules of columns that only later rows have."""
        plan = self._reading.plan
        self._reading.plan = replace(plan, hidden=(*plan.hidden, *rules))
        columns = {rule.column.partition(".")[0] for _, rule in rules}
        self._used = sorted({*self._used, *columns})

    def pieces(self, rows: Iterator[Rows]) -> Iterator[Piece]:
        """Yield the records of *rows*."""
        if self._reading.is_pairs:
            for row in each_row(rows):
                yield from self._reading.records(row)
            return
        key = self._reading.plain.get("id")
        for part in parts_of(rows, key):
            how = f"{self._memory.salt} {self._reading.identity()}"
            digest = digest_of(part, self._used, how) if self._memory.salt and key else None
            odd = self._memory.odd.get(digest) if digest is not None else None
            if digest is None or odd is None:
                yield from self.read(part, digest)
            else:
                yield self._same(part, digest, odd)

    def _same(self, part: Part, digest: bytes, odd: Sequence[int]) -> Same:
        ids = self._ids(part, (), set())
        others: list[tuple[int, Record]] = []
        if odd:
            alone = frozenset(odd)
            plain = {at: own for at, own in zip(part.places, ids, strict=True) if at not in alone}
            ids, others = list(plain.values()), self._others(part, plain)
        return Same(
            digest=digest,
            external_ids=ids,
            others=others,
            # These rows are counted already, so another reader reads them.
            read=lambda: list(self._another().read(part, digest)),
        )

    def _another(self) -> "ByColumn":
        return ByColumn(copy(self._reading), self._used, self._memory)

    def read(self, part: Part, digest: bytes | None) -> Iterator[Record | Block]:
        """Yield the records of *part*, which has this *digest*, in one block if possible."""
        before = self._reading.passed_over
        block = self._block(part)
        if block is not None:
            yield replace(block, digest=digest)
            return
        self._reading.passed_over = before
        for _, row in part.rows():
            yield from self._reading.records(row)

    def _block(self, part: Part) -> Block | None:
        """Return the records of *part* as a block; None if an id comes twice."""
        places = part.places
        odd: Odd = set()
        self._find_odd(part, odd)
        columns = self._columns(part, odd)
        columns |= {"places": places, "lines": list(map(part.lines.__getitem__, places))}
        if odd:
            keep = [at not in odd for at in range(len(places))]
            columns = {name: list(compress(column, keep)) for name, column in columns.items()}
        others = self._others(part, columns["places"])
        block = Block(**columns, rows=len(part), others=others)
        ids = set(block.external_ids)
        is_twice = len(ids) < len(block.lines) or any(
            isinstance(one, SourceQuestion) and one.external_id in ids for _, one in block.others
        )
        return None if is_twice else block

    def _others(self, part: Part, plain: Collection[int]) -> list[tuple[int, Record]]:
        """Return the records of the rows that are not *plain*, with their places."""
        if len(plain) == len(part):
            return []
        return [
            (at, record)
            for at, row in part.rows(without=frozenset(plain))
            for record in self._reading.records(row)
        ]

    def _find_odd(self, rows: Part, odd: Odd) -> None:
        for condition, is_odd in self._conditions:
            odd.update(_places(condition, rows, is_met=is_odd))
        for name in self._reading.has & {"duplicate_of", "duplicates"}:
            links = self._values(rows, name)
            odd.update(at for at, link in enumerate(links) if link is not None and link != "")

    def _columns(self, rows: Part, odd: Odd) -> dict[str, Any]:
        count = len(rows.places)
        has, none = self._reading.has, [None] * count
        titles = self._titles(self._values(rows, "title"), odd)
        ids = self._ids(rows, titles, odd)
        named = ids if self._reading.names["id"] else titles
        if not TOTALS.isdisjoint(named):
            odd.update(at for at, one in enumerate(named) if one in TOTALS)
        return {
            "external_ids": ids,
            "titles": titles,
            "bodies": self._bodies(rows, odd) if "body" in has else [""] * count,
            "urls": self._urls(rows, ids, odd),
            "categories": self._labels(rows, "category", odd) if "category" in has else none,
            "authors": self._labels(rows, "author", odd) if "author" in has else none,
            "asked_at": self._moments(rows, "asked_at", odd) if "asked_at" in has else none,
            "facts": self._facts(rows, odd) if self._reading.facts else [NO_FACTS] * count,
            "updated_at": self._moments(rows, "updated_at", odd) if "updated_at" in has else none,
        }

    def _values(self, rows: Part, name: str) -> list[Any]:
        column = self._reading.plain.get(name)
        if column is None or ("." in column and not rows.has_column(column)):
            return [self._reading.value(row, name) for row in rows.values]
        return rows.column(column)

    def _titles(self, values: list[Any], odd: Odd) -> list[str]:
        texts = _plain_texts(values)
        unescape = self._reading.unescape
        has_marks = unescape is not None and any(
            mark in text for text in texts or () for mark in "&<"
        )
        is_plain_column = texts is not None and _fits(texts, TITLE_LENGTH) and not has_marks
        titles = texts if texts and is_plain_column else _each(values, self._title, odd)
        odd.update(removed(titles))
        return titles

    def _title(self, value: object) -> str:
        title = required_text(value, "the question")
        if self._reading.unescape is not None:
            title = self._reading.unescape(title).strip()
        return _checked(title, TITLE_LENGTH)

    def _ids(self, rows: Part, titles: Sequence[str], odd: Odd) -> list[str]:
        if not self._reading.names["id"]:
            return [f"text-{first_digest(title).hex()[:24]}" for title in titles]
        values = self._values(rows, "id")
        texts = _plain_texts(values)
        is_float = self._reading.is_float
        if texts is not None and not is_float and _fits(texts, ID_LENGTH) and not _has_marks(texts):
            return texts
        return _each(
            values, lambda value: _checked(id_text(value, is_float=is_float), ID_LENGTH), odd
        )

    def _bodies(self, rows: Part, odd: Odd) -> list[str]:
        markup = self._reading.plan.markup
        return _each(
            self._values(rows, "body"), _whole(lambda found, value: found.body(value, markup)), odd
        )

    def _urls(self, rows: Part, ids: Sequence[str], odd: Odd) -> Sequence[str | None]:
        form, base_url = self._reading.plan.url, self._reading.base_url
        has_form = bool(form and base_url)
        if "url" not in self._reading.has and not has_form:
            return [None] * len(ids)
        values = self._values(rows, "url") if "url" in self._reading.has else [None] * len(ids)
        if has_form:
            values = [
                form.format(id=own) if value is None else value
                for own, value in zip(ids, values, strict=True)
            ]
        read = _whole(lambda found, value: found.url(value, base_url))

        def url(value: Any) -> str | None:
            is_simple = isinstance(value, str) and len(value) <= URL_LENGTH
            if is_simple and SIMPLE_URL.fullmatch(value):
                return str(value)
            return None if value is None else read(value)

        return _each(values, url, odd)

    def _labels(self, rows: Part, name: str, odd: Odd) -> Sequence[str | None]:
        values = self._values(rows, name)
        texts = _plain_texts([value for value in values if value is not None and value != ""])
        if texts is not None and _fits(texts, LABEL_LENGTH) and _is_label(texts):
            left = iter(texts)
            return [None if value is None or value == "" else next(left) for value in values]
        return _each(values, _whole(lambda found, value: found.label(name, value)), odd)

    def _moments(self, rows: Part, name: str, odd: Odd) -> Sequence[str | None]:
        values = self._values(rows, name)
        now = self._reading.now
        simple = moments_of(values, now=now)
        if simple is not None:
            return simple

        def moment(value: Any) -> str | None:
            if value is None or value == "":
                return None
            found = instant_of(self._reading.dates.read(value), now=now)
            return None if found is None else found.isoformat()

        return _each(values, moment, odd)

    def _facts(self, rows: Part, odd: Odd) -> list[Facts]:
        names = self._reading.facts
        columns = [self._values(rows, name) for name in names]

        def facts(values: tuple[Any, ...]) -> Facts:
            found = Optionals()
            read = facts_of_row(dict(zip(names, values, strict=True)), found)
            return _nothing_lost(found, read)

        rows_of_facts = list(zip(*columns, strict=True))
        if any(not set(map(type, column)) <= _KEPT for column in columns):
            return _each(rows_of_facts, facts, odd, instead=NO_FACTS)
        if len(self._facts_known) > _MOST_KNOWN:
            self._facts_known.clear()
        return _each_known(rows_of_facts, facts, odd, self._facts_known, instead=NO_FACTS)


def _plain_texts(values: Sequence[Any]) -> list[str] | None:
    """Return stripped texts if all values are numbers, or all are printable ASCII without nulls."""
    kinds = set(map(type, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds != {str} or not is_plain(values):
        return None
    texts = list(map(str.strip, values))
    return texts if DATABASE_NULLS.isdisjoint(texts) and all(texts) else None


def _fits(texts: Sequence[str], length: int) -> bool:
    return max(map(len, texts), default=0) <= length


def _is_label(texts: Sequence[str]) -> bool:
    """Return whether plain *texts* need no cleaning: single spaces, no marks, no null."""
    whole = "\n".join(texts)
    return not any(mark in whole for mark in ("  ", "<", "|")) and NULLS.isdisjoint(
        whole.lower().split("\n")
    )


def _has_marks(ids: Sequence[str]) -> bool:
    """Return whether spreadsheets, or tools of MongoDB, may have changed one of *ids*."""
    whole = "".join(ids)
    return "E+" in whole or '="' in whole or "ObjectId(" in whole or "'" in whole


def _checked(text: str, length: int) -> str:
    if not text or len(text) > length:
        raise ValueUnusableError("it is empty or too long")
    return text


def _whole(read: Callable[[Optionals, Any], _T]) -> Callable[[Any], _T]:
    """Return *read* as a function that raises if a value is dropped."""

    def whole(value: Any) -> _T:
        found = Optionals()
        return _nothing_lost(found, read(found, value))

    return whole


def _nothing_lost(found: Optionals, read: _T) -> _T:
    if found.dropped:
        raise ValueUnusableError(found.dropped[0].reason)
    return read


def _each(
    values: Sequence[Any], read: Callable[[Any], _T], odd: Odd, *, instead: Any = ""
) -> list[Any]:
    """Return the result of *read* for each value; if it raises, add the place to *odd*."""
    known: dict[Any, Any] = {}
    found = []
    for place, value in enumerate(values):
        key = value if value.__class__ is str else None
        if key is not None and key in known:
            found.append(known[key])
            continue
        try:
            one: Any = read(value)
        except (ValueError, RecursionError):
            odd.add(place)
            one = instead
        else:
            if key is not None:
                known[key] = one
        found.append(one)
    return found


def _each_known(
    values: Sequence[Any], read: Callable[[Any], _T], odd: Odd, known: dict[Any, _T], *, instead: _T
) -> list[_T]:
    """Do the same as `_each` for hashable values, some of which are *known* already."""
    unusable = set()
    for value in set(values).difference(known):
        try:
            known[value] = read(value)
        except (ValueError, RecursionError):
            unusable.add(value)
    if unusable:
        odd.update(place for place, value in enumerate(values) if value in unusable)
        return [known.get(value, instead) for value in values]
    return list(map(known.__getitem__, values))


def _places(condition: Condition, rows: Part, *, is_met: bool) -> list[int]:
    """Return the places of the readable rows that meet *condition*, or of those that do not."""
    column = condition.column
    if condition.is_of_row or not rows.has_column(column):
        met = _met(condition, rows.values)
        return [place for place, one in enumerate(met) if one is is_met]
    values = rows.column(column)
    if set(map(type, values)) != {str}:
        return [at for at, one in enumerate(values) if condition.is_met({column: one}) is is_met]
    found = {one for one in set(values) if condition.is_met({column: one}) is is_met}
    return [at for at, one in enumerate(values) if one in found] if found else []


def _met(condition: Condition, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return for each row whether it meets *condition*; equal texts are checked once."""
    known: dict[str, bool] = {}
    met = []
    column = condition.column
    for row in rows:
        value = row.get(column)
        if condition.is_of_row or value.__class__ is not str:
            met.append(condition.is_met(row))
        else:
            if value not in known:
                known[value] = condition.is_met(row)
            met.append(known[value])
    return met
