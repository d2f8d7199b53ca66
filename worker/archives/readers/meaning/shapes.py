"""The shapes of known programs: which table has the questions, and the meaning of its columns.

Each program has one file in ``programs/``, which is used for its dumps and for its own database.
The `needs` of a shape are columns that no other table has together. `fields` name columns, with
``|`` between alternatives; ``post.message`` is the column ``message`` of the lookup ``post``.
"""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, TypeAdapter

from worker.archives.readers.meaning.english import REPLY
from worker.archives.readers.meaning.reading import Plan
from worker.archives.readers.values.conditions import Condition
from worker.archives.readers.values.markup import Markup

NO_REPLY = f"~^(?!{REPLY})"
"""The condition ``{no_reply}``: no mail program marked the title as that of a reply."""

_PROGRAMS = (
    "discuz", "phpwind", "xmb", "woltlab", "gnuboard",
    "phpbb", "vbulletin", "xenforo", "mybb", "smf", "flarum", "discourse", "askbot", "misago",
    "kunena", "stackexchange", "nodebb", "reddit", "hackernews", "sourceforge", "mail", "faq",
    "vanilla", "wordpress", "question2answer", "invision", "fluxbb", "github", "schema_org", "feed",
    "lemmy", "piazza", "zendesk", "slack", "discord", "edstem", "jira", "bugzilla", "trac", "canny",
    "moodle", "mantis", "drupal", "apache_answer", "khoros", "open_edx", "youtrack", "wpforo",
    "quora", "no_questions", "pages", "yahoo_answers",
)  # fmt: skip
"""The files, the most certain first: a table has the first shape that fits."""


class _Described:
    """Part of a program's file; an unknown key is an error."""

    __slots__ = ()
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(_Described):
    """Rows of another table that belong to a question, or decide whether it is shown."""

    name: str
    table: str = ""
    """Name of the table without the prefix of an installation; empty for the questions' own table.
    """
    key: str
    """The column of the table with the same value as `via` in the question's row."""
    via: str
    columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    is_joined: bool = False
    """Whether the conditions of `where` also use the lookups before this one."""
    is_needed: bool = False
    """Whether nothing is read without this table, because it decides what is hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql(_Described):
    """An expression of SQL; ``t`` is the table of the questions, ``{p}`` the tables' prefix."""

    sql: str
    needs: tuple[str, ...] = ()
    """Columns (``table.column``) without which it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database(_Described):
    """What is needed to read the program's own database, beside its shape."""

    engine: str
    prefix: str = ""
    required: tuple[str, ...]
    """Columns (``table.column``) without which this is another program's database."""
    joins: tuple[str, ...]
    """The lookups with at most one row for each question."""
    has_epochs: bool = False
    """Whether times are seconds since 1970."""
    fields: Mapping[str, Sql | str] = field(default_factory=dict)
    """Fields with an own SQL expression or other columns here; an empty one is not read."""
    hidden: Mapping[str, tuple[Sql | str, ...]] = field(default_factory=dict)
    """Conditions that hide a question, beside those of the shape. Conditions on lookups that are
    not in `joins` are left out: SQL reads all tables of a forum, not only those in a dump.
    """


def _has_each(have: set[str], needs: Sequence[str]) -> bool:
    """Return whether each of *needs*, or one of its alternatives, is there."""
    return all(have & set(one.split("|")) for one in needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(_Described):
    """How one program stores or exports its questions."""

    name: str
    """The name for ``--as``."""
    about: str
    needs: tuple[str, ...]
    """Columns that its table must have; ``|`` is between alternatives."""
    lacks: tuple[str, ...] = ()
    """Columns that its table must not have."""
    table: str = ""
    """Name of the table without its prefix; empty for any table."""
    fields: Mapping[str, str]
    lookups: tuple[Lookup, ...] = ()
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By reason the conditions that hide a question; one that is met is enough."""
    kept: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()
    """Further columns, which hide nothing although their names may look so."""
    url: str = ""
    base_url: str = ""
    markup: Markup = Markup.GUESS
    is_escaped: bool = False
    """Whether titles are stored as HTML."""
    database: Database | None = None

    def fits(self, columns: Sequence[str]) -> bool:
        """Return whether a table with these columns is of this shape."""
        have = set(columns)
        return _has_each(have, self.needs) and not have & set(self.lacks)

    def prefix(self, table: str) -> str | None:
        """Return the prefix that an installation gave to *table*; None if it is another table."""
        bare = table.rpartition(".")[2]
        if not self.table or bare == self.table:
            return ""
        found = re.fullmatch(rf"(.*_|){re.escape(self.table)}s?", bare)
        return found[1] if found else None

    def plan(self, chosen: Mapping[str, str]) -> Plan:
        """Return the plan for its rows; *chosen* columns replace those of the shape."""
        fields = {
            # A bar inside a pattern is part of the pattern.
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
            kept=tuple(Condition.parse(one.replace("{no_reply}", NO_REPLY)) for one in self.kept),
            url=self.url,
            base_url=self.base_url,
            markup=self.markup,
            is_escaped=self.is_escaped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuestions(_Described):
    """A table of a known program with persons, categories or replies."""

    about: str
    needs: tuple[str, ...]

    def fits(self, columns: Sequence[str]) -> bool:
        """Return whether a table with these columns is of this kind."""
        return _has_each(set(columns), self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(_Described):
    """The file of one program."""

    shapes: tuple[Shape, ...]
    others: tuple[NoQuestions, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Every shape, the most certain first."""

    shapes: tuple[Shape, ...]
    others: tuple[NoQuestions, ...]

    def named(self, name: str) -> Shape | None:
        """Return the first shape of this name."""
        return next((one for one in self.shapes if one.name == name), None)

    @property
    def databases(self) -> dict[str, Shape]:
        """Return the shapes of programs whose own databases can be read, by name."""
        return {one.name: one for one in self.shapes if one.database is not None}

    @classmethod
    @functools.cache
    def all(cls) -> Self:
        """Return all shapes of this version."""
        folder = Path(__file__).parent / "programs"
        read = TypeAdapter(Program).validate_python
        programs = [
            read(tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))) for name in _PROGRAMS
        ]
        return cls(
            tuple(shape for one in programs for shape in one.shapes),
            tuple(other for one in programs for other in one.others),
        )
