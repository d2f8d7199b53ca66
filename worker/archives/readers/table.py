"""One table of a source, and what somebody says of the form of its files."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from worker.archives.load_job import Format
from worker.archives.readers.records import Row

Rows = Callable[[Collection[str]], Iterator[Row]]
Opened = Callable[[], BinaryIO]
"""Opens a text, in UTF-8."""


@dataclass(slots=True)
class Table:
    """One table of a source; several files with the same columns may be one."""

    name: str
    columns: list[str]
    form: Format
    encoding: str
    parts: list[Rows] = field(default_factory=list)
    """Each yields rows with at least the columns that are asked for."""
    path: tuple[str, ...] | None = None
    """Where its objects lie, in JSON and YAML."""
    is_mixed: bool = False
    """Whether its objects, which lie under keys, are of different kinds."""
    is_single: bool = False
    """Whether it is one object, and no list of them."""

    def rows(self, columns: Collection[str] = ()) -> Iterator[Row]:
        """Yield the rows of every part."""
        for part in self.parts:
            yield from part(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What who imports says of the form of the files."""

    form: Format | None = None
    encoding: str | None = None
    columns: Sequence[str] = ()
    """Names of the columns of a file without a header."""


Make = Callable[..., Table]
"""Makes a table of a file whose form and encoding are known."""
