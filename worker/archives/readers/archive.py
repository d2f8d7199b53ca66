"""Reads the records of a file, folder or stream. If something is not certain, the user is asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Self

from db.wording import counted
from worker.archives.load_job import Format
from worker.archives.readers.documents import stackexchange
from worker.archives.readers.meaning.by_column import ByColumn
from worker.archives.readers.meaning.late import Late
from worker.archives.readers.meaning.lookups import Lookups
from worker.archives.readers.meaning.reading import Reading, Wishes
from worker.archives.readers.recognise import Choice, choose
from worker.archives.readers.records import (
    ManyRows,
    Memory,
    Peeked,
    Piece,
    Record,
    Row,
    Rows,
    UnreadableArchiveError,
    each_row,
)
from worker.archives.readers.sources import Source
from worker.archives.readers.sources import fingerprint as fingerprint_of
from worker.archives.readers.table import Hints, Table
from worker.archives.readers.tables import tables_of

_HEAD = 200
"""The first rows, from which the forms of dates, ids and titles are detected."""
_NAMED = 5
_LINKS = "PostLinks"


class Archive(Peeked):
    """An open archive: what was recognised, and its records, which can be read once."""

    def __init__(self, source: Source, choice: Choice, wishes: Wishes) -> None:
        self.source, self.choice = source, choice
        self.columns = choice.columns
        first = choice.tables[0]
        self.form, self.encoding = first.form, first.encoding
        self.size = source.size
        """Bytes of the file, packed or not; None if it comes from a pipe."""
        self._lookups = Lookups() if choice.lookups else None
        self._reading, self._wishes = Reading(choice.plan, wishes), wishes
        self._memory = self.memory = Memory()
        self._pieces = self._read()

    @property
    def about(self) -> str:
        """Return a description, for people, of what was recognised."""
        odd = self.source.passed_over.shown()
        if names := self.choice.unread:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            odd = f"; no questions in {', '.join(names[:_NAMED])}{more}{odd}"
        if self.choice.shape is not None:
            return f"{self.choice.shape.about}{odd}"
        return f"questions of a table that is not known ({self.choice.tables[0].name}){odd}"

    @property
    def passed_over(self) -> int:
        """Return how many rows read so far were no questions, such as answers."""
        return self._reading.passed_over

    def left_over(self) -> Iterator[str]:
        """Yield a sentence for each file read so far with other bytes behind its packed data."""
        for name, count in self.source.left_over.items():
            yield f"{name}: {counted(count, 'byte')} behind the packed data were not read."

    def _read(self) -> Iterator[Piece]:
        self._fill_lookups()
        for table in self.choice.tables:
            rows = table.many(self._used(table))
            head = list(_head(rows))
            self._check(table)
            before = self._reading.passed_over
            first = islice(each_row(self._joined(iter(head))), _HEAD)
            self._reading = Reading(self.choice.plan, self._wishes, first)
            self._reading.passed_over = before
            by_column = ByColumn(self._reading, self._used(table), self._memory)
            every: Iterator[Rows] = chain(head, rows)
            if table.is_loose:
                every = self._late(table).rows(every, by_column.learn)
            yield from by_column.pieces(self._joined(every))
        yield from self._links()

    def _used(self, table: Table) -> set[str]:
        visible = {one.split("=")[0].split(":")[0].strip("! ") for one in self._wishes.visible_if}
        return self.choice.used | {one.partition(".")[0] for one in visible} & set(table.columns)

    def _late(self, table: Table) -> Late:
        shape, plan = self.choice.shape, self.choice.plan
        decided = [one.column for one in self._reading.visible]
        fields = [path for paths in plan.fields.values() for path in paths]
        rules = [one.column for one in (*(rule for _, rule in plan.hidden), *plan.kept)]
        knows = shape.knows if shape is not None else ()
        known = {*table.columns, *decided, *fields, *rules, *knows}
        return Late(known, is_deep=shape is None)

    def _check(self, table: Table) -> None:
        missing = self._reading.missing_for_visible_if(table.columns)
        if missing:
            raise UnreadableArchiveError(f"--visible-if {missing[0]}: there is no such column")

    def _fill_lookups(self) -> None:
        if self._lookups is not None:
            for lookup, table in self.choice.lookups:
                rows = self._joined(table.many()) if lookup.is_joined else table.many()
                self._lookups.fill(lookup, each_row(rows))

    def _joined(self, rows: Iterator[Rows]) -> Iterator[Rows]:
        return rows if self._lookups is None else self._with_lookups(self._lookups, rows)

    @staticmethod
    def _with_lookups(lookups: Lookups, rows: Iterator[Rows]) -> Iterator[Row]:
        for row in each_row(rows):
            if isinstance(row.values, str):
                yield row
            else:
                yield Row(row.line, lookups.join(row.values))

    def _links(self) -> Iterator[Record]:
        """Yield the duplicate links of a dump of Stack Exchange, if it contains them."""
        if self.form is not Format.STACKEXCHANGE:
            return
        for entry in self.source.entries:
            if entry.stem.rpartition("-")[2] == _LINKS:
                with entry.open() as file:
                    yield from stackexchange.links(file)

    def append(self, more: Iterator[Record]) -> None:
        """Add records to the end."""
        self._pieces = chain(self._pieces, more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lookups is not None:
            self._lookups.close()
        if self.source.counted is not None:
            self.source.counted.close()

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file that was opened last were read."""
        return self.source.counted.count if self.source.counted is not None else 0

    def fingerprint(self) -> str:
        """Return a fingerprint, which differs for another file."""
        return fingerprint_of(self.source)


def _head(rows: Iterator[Rows]) -> Iterator[Rows]:
    """Yield the first `_HEAD` of *rows*, or a few more."""
    left = _HEAD
    while left > 0 and (one := next(rows, None)) is not None:
        yield one
        left -= len(one) if isinstance(one, ManyRows) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The options of reading a source; without an option its value is recognised."""

    hints: Hints = field(default_factory=Hints)
    wishes: Wishes = field(default_factory=Wishes)
    records: str = ""
    """Name or path of the table with the questions."""
    shape: str = ""
    """Name of a known shape."""


_MEANS = Means()


def open_archive(path: Path, means: Means = _MEANS) -> Archive:
    """Return the archive at *path*, with the duplicates of a ``PostLinks.xml`` beside it.

    Raises `UnreadableArchiveError` if it cannot be read, or if it is not certain what it contains.
    """
    archive = _open(Source.of_path(path), means)
    if archive.form is Format.STACKEXCHANGE:
        archive.append(_links_beside(path))
    return archive


def _links_beside(path: Path) -> Iterator[Record]:
    """Yield the duplicates of a file beside ``Posts.xml``, or beside ``site-Posts.7z``."""
    if "Posts" not in path.name:
        return
    bare = re.sub(r"\.\w{1,4}$", "", path.name.replace("Posts", _LINKS))
    for beside in sorted(path.parent.glob(f"{bare.partition('.xml')[0]}*")):
        if beside.is_file():
            for entry in Source.of_path(beside).entries:
                with entry.open() as file:
                    yield from stackexchange.links(file)
            return


def open_stream(
    file: BinaryIO, means: Means = _MEANS, *, name: str = "", size: int | None = None
) -> Archive:
    """Return the archive in *file*; *name* only helps to detect the format.

    Raises `UnreadableArchiveError` if it cannot be read, or if it is not certain what it contains.
    """
    return _open(Source.of_stream(file, name=name, size=size), means)


def _open(source: Source, means: Means) -> Archive:
    wishes = _settled(means.wishes)
    tables = tables_of(source, means.hints)
    choice = choose(tables, wishes, records=means.records, shape=means.shape)
    return Archive(source, choice, wishes)


def _settled(wishes: Wishes) -> Wishes:
    """Return *wishes* with a ``visible`` among the chosen columns as a condition."""
    if "visible" not in wishes.chosen:
        return wishes
    visible = wishes.chosen["visible"]
    condition = visible if re.search(r"[=:~]", visible) else f"{visible}=yes"
    chosen = {name: column for name, column in wishes.chosen.items() if name != "visible"}
    return replace(wishes, chosen=chosen, visible_if=(*wishes.visible_if, condition))
