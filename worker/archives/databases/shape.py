"""How forum programs keep their questions: the tables and columns of their public schemas.

Every expression names the columns that it needs. Where a version of the program or an extension
lacks one, what depends on it is left out. What hides a question is asked of the database itself.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """An expression of SQL, and the columns (``table.column``) without which it cannot be."""

    sql: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one program keeps its questions; ``{p}`` is the prefix of its tables."""

    name: str
    engine: str
    prefix: str
    key: str
    """Number by which pages are cut."""
    tables: str
    """What comes after FROM."""
    fields: dict[str, Part]
    hidden: dict[str, tuple[Part, ...]]
    """Why a question is not shown to everybody, with the conditions of which one is met."""
    url: str
    """Path of a question, from the forum's address on."""
    has_epochs: bool = False
    """Whether times are seconds since 1970."""
    is_escaped: bool = False
    """Whether titles are stored as HTML."""
    required: tuple[str, ...] = field(default=())
    """Columns without which this is another program's database."""


def parts(**given: str | tuple[str, str]) -> dict[str, Part]:
    """Return fields by name, each an expression or one with the columns that it needs."""
    found = {}
    for name, one in given.items():
        sql, needs = (one, "") if isinstance(one, str) else one
        found[name] = Part(sql, tuple(needs.split()))
    return found


def any_of(*given: tuple[str, str]) -> tuple[Part, ...]:
    """Return conditions of which one is enough, each with the columns that it needs."""
    return tuple(Part(sql, tuple(needs.split())) for sql, needs in given)
