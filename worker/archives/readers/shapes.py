"""What known programs write: which table holds the questions, and what each of its columns means.

A shape is data. Its `needs` are columns that no other table has together. `fields` name columns,
alternatives divided by ``|``; ``post.message`` is the column ``message`` of the lookup ``post``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from worker.archives.readers.conditions import Condition
from worker.archives.readers.markup import Markup
from worker.archives.readers.reading import Plan

NO_REPLY = (
    "~^(?!\\s*(?:re|aw|antw|antwort|sv|vs|fwd?|wg|tr|rv|res|odp|ynt|\u043e\u0442\u0432|\u0438\u0445|\u56de\u590d|\u7b54\u590d)"
    "\\s*(?:[\\[(]\\d+[\\])])?\\s*[:\uff1a])"
)
"""Ends a condition on a subject: that no program of mail marked it as a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Rows of another table that belong to a question, or say whether it is shown."""

    name: str
    table: str
    """Name of the table without the prefix that an installation chose; empty for the same."""
    key: str
    """Its column that holds what `via` holds in the row of the question."""
    via: str
    columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    is_joined: bool = False
    """Whether `where` asks for the lookups before it as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one program stores or exports its questions."""

    name: str
    """What ``--as`` takes."""
    about: str
    needs: tuple[str, ...]
    """Columns; each may be one of several, divided by ``|``."""
    lacks: tuple[str, ...] = ()
    """Columns that its table does not have."""
    table: str = ""
    """Name of the table without its prefix, where there are several; empty for any."""
    fields: Mapping[str, str]
    lookups: tuple[Lookup, ...] = ()
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Why a question is not shown to everybody, with the conditions of which one is met."""
    kept: tuple[str, ...] = ()
    url: str = ""
    base_url: str = ""
    markup: Markup = Markup.GUESS
    is_escaped: bool = False

    def fits(self, columns: Sequence[str]) -> bool:
        """Return whether a table with these columns is of this shape."""
        have = set(columns)
        return all(have & set(one.split("|")) for one in self.needs) and not have & set(self.lacks)

    def prefix(self, table: str) -> str | None:
        """Return what an installation put before the name of the table; None if it is another."""
        bare = table.rpartition(".")[2]
        if not self.table or bare == self.table:
            return ""
        return bare[: -len(self.table)] if bare.endswith(f"_{self.table}") else None

    def plan(self, chosen: Mapping[str, str]) -> Plan:
        """Return how its rows are read; *chosen* columns come first."""
        fields = {
            # A bar in a pattern divides its own alternatives.
            name: (paths,) if "~" in paths else tuple(paths.split("|"))
            for name, paths in self.fields.items()
        }
        fields.update({name: (column,) for name, column in chosen.items()})
        rules = tuple(
            (reason, Condition.parse(one)) for reason, texts in self.hidden.items() for one in texts
        )
        return Plan(
            fields=fields,
            hidden=rules,
            kept=tuple(map(Condition.parse, self.kept)),
            url=self.url,
            base_url=self.base_url,
            markup=self.markup,
            is_escaped=self.is_escaped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuestions:
    """A table of a known program that holds persons, categories or replies."""

    about: str
    needs: tuple[str, ...]

    def fits(self, columns: Sequence[str]) -> bool:
        """Return whether a table with these columns is one."""
        return set(self.needs) <= set(columns)


@dataclass(frozen=True, slots=True)
class Known:
    """Every shape, the most certain first."""

    shapes: tuple[Shape, ...]
    others: tuple[NoQuestions, ...]

    def named(self, name: str) -> Shape | None:
        """Return the first shape of this name."""
        return next((one for one in self.shapes if one.name == name), None)

    @classmethod
    def all(cls) -> Self:
        """Return what this version knows."""
        # They import this module.
        from worker.archives.readers import boards, newer_boards, other_boards, sites  # noqa: PLC0415

        return cls(
            (*boards.SHAPES, *newer_boards.SHAPES, *sites.SHAPES, *other_boards.SHAPES),
            (*boards.OTHERS, *sites.OTHERS, *other_boards.OTHERS),
        )
