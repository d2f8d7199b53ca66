"""One table of a source, and the user's hints about the form of its files."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from worker.archives.load_job import Format
from worker.archives.readers.documents.json_rows import ANY
from worker.archives.readers.meaning.columns import WORDY, plain_name
from worker.archives.readers.records import Row, Rows, each_row
from worker.archives.readers.values.conditions import object_in
from worker.archives.readers.values.texts import DATABASE_NULLS

Read = Callable[[Collection[str]], Iterator[Rows]]
Opened = Callable[[], BinaryIO]
"""Opens a text in UTF-8."""


_SAMPLED = 200
_LOOSE = frozenset({Format.XML, Format.STACKEXCHANGE})


@dataclass(slots=True)
class Table:
    """One table of a source; several files with the same columns may be one."""

    name: str
    columns: list[str]
    form: Format
    encoding: str
    parts: list[Read] = field(default_factory=list)
    """Each yields rows with at least the given columns."""
    path: tuple[str, ...] | None = None
    """The path of its objects in JSON, YAML and TOML."""
    is_mixed: bool = False
    """Whether its objects, which are values of one object, are of different kinds."""
    has_objects: bool = False
    """Whether some of its columns, in Parquet, have objects or lists."""
    given: frozenset[str] = frozenset()
    """The columns with values of the object around its objects."""
    is_single: bool = False
    """Whether it is one object and not a list of objects."""
    found: list[str] | None = field(default=None, repr=False)
    """What `inside` has found."""

    @property
    def is_nested(self) -> bool:
        """Return whether its values may be objects or lists."""
        return self.path is not None or self.has_objects or self.form is Format.XML

    @property
    def is_loose(self) -> bool:
        """Return whether a row may have a column that is not among `columns`."""
        return self.path is not None or self.form in _LOOSE

    def inside(self) -> list[str]:
        """Return the paths inside the columns that have objects, such as JSON in a database."""
        if self.found is None:
            found: dict[str, dict[str, None]] = {name: {} for name in self.columns}
            for row in islice(self.rows(), _SAMPLED):
                if not isinstance(row.values, str):
                    for name, value in row.values.items():
                        _see(found, name, value)
            self.found = [f"{name}.{key}" for name, keys in found.items() for key in keys]
        return self.found

    def many(self, columns: Collection[str] = ()) -> Iterator[Rows]:
        """Yield the rows of every part, many at once if the format allows it."""
        for part in self.parts:
            yield from part(columns)

    def rows(self, columns: Collection[str] = ()) -> Iterator[Row]:
        """Yield the rows of every part one by one."""
        return each_row(self.many(columns))


def _see(found: dict[str, dict[str, None]], name: str, value: object) -> None:
    """Note the keys of *value*; a column with another text has no objects.

    A text with JSON may be what somebody asks about.
    """
    if isinstance(value, Mapping):
        found.get(name, {}).update(dict.fromkeys(value))
    elif isinstance(value, str) and value and name in found and value not in DATABASE_NULLS:
        keys = None if plain_name(name) in WORDY else object_in(value)
        if keys is None:
            del found[name]
        else:
            found[name].update(dict.fromkeys(keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """The user's hints about the form of the files."""

    form: Format | None = None
    encoding: str | None = None
    columns: Sequence[str] = ()
    """Names of the columns of a file without a header."""


Make = Callable[..., Table]
"""Makes a table; form and encoding are given already."""


def inner(table: Table, tables: Sequence[Table]) -> list[str]:
    """Return the paths of values inside the columns of *table*, such as ``meta.deleted``."""
    path = table.path
    if path is None:
        return table.inside()
    return [
        f"{one.path[-1]}.{name}"
        for one in tables
        if one.path and one.path[:-1] == path and one.path[-1] != ANY
        for name in one.columns
    ]
