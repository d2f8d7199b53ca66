"""Rules of keys that only later rows have: each object of JSON or XML may have keys of its own."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.archives.readers.meaning.hiding import Rule, hiding_rules
from worker.archives.readers.records import ManyRows, Rows
from worker.archives.readers.values.conditions import ABSENT

Learn = Callable[[Sequence[Rule]], None]


class Late:
    """Looks for keys that are not *known*, and passes the rules of those that may hide a row.

    With *is_deep* the keys of objects inside a row count too, such as ``meta.deleted``.
    """

    def __init__(self, known: Collection[str], *, is_deep: bool) -> None:
        self._known, self._is_deep = set(known), is_deep

    def rows(self, rows: Iterator[Rows], learn: Learn) -> Iterator[Rows]:
        """Yield *rows*; before a row with a new key that may hide rows, its rules are learned.

        Rows without a key that is so rare are not hidden by it.
        """
        for one in rows:
            found = one.columns if isinstance(one, ManyRows) else one.values
            names = [] if isinstance(found, str) else self._new(found)
            if names and (rules := hiding_rules(names)):
                learn(
                    [
                        (reason, replace(rule, wanted=rule.wanted - {ABSENT}))
                        for reason, rule in rules
                    ]
                )
            yield one

    def _new(self, found: Mapping[str, Any]) -> list[str]:
        """Return the new keys of a row, or of the columns of several rows."""
        names = [name for name in found if name not in self._known]
        if self._is_deep:
            for name, value in found.items():
                if value.__class__ is dict:
                    names += self._inner(name, value)
                elif value.__class__ is tuple and dict in map(type, value):
                    names += [path for one in value for path in self._inner(name, one)]
        self._known.update(names)
        return names

    def _inner(self, name: str, value: object) -> list[str]:
        if not isinstance(value, dict):
            return []
        return [path for key in value if (path := f"{name}.{key}") not in self._known]
