"""The records that readers yield, and limits against harmful files."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NamedTuple

from db.errors import InvalidInputError
from db.questions.rows import Facts
from worker.archives.readers.values.texts import Dropped
from worker.text.intake import Submission

RECORD_LIMIT = 4 << 20
"""Characters or bytes of one record; a longer one is rejected alone and not kept in memory."""
RECORD_TOO_LONG = f"the record is longer than {RECORD_LIMIT >> 20} MiB"
_REASON_LENGTH = 600
_RATIO_LIMIT = 250
_RATIO_FROM = 64 << 20


class UnreadableArchiveError(InvalidInputError):
    """The file cannot be read as an archive of questions."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(None if message is None else _shown(message))


def _shown(text: str) -> str:
    """Return a text that is partly from a file in a form for people: short and printable."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:_REASON_LENGTH])


def refuse_bomb(size: int, packed_size: int) -> None:
    """Raise `UnreadableArchiveError` if the unpacked size is far too large for the packed one."""
    if size > max(_RATIO_FROM, _RATIO_LIMIT * packed_size):
        raise UnreadableArchiveError(
            f"the file grows to over {_RATIO_LIMIT} times its size: it looks like a zip bomb"
        )


class Row(NamedTuple):
    """One row of a table in its format."""

    line: int
    """Its line, from 1; in formats without lines its number."""
    values: Mapping[str, Any] | str
    """The values by column, or the reason why the row cannot be read."""


@dataclass(frozen=True, slots=True)
class ManyRows:
    """Readable rows of a table by column; there is at least one column."""

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    """The values by column, all of one length."""

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Row]:
        """Yield each row."""
        names = list(self.columns)
        for line, *values in zip(self.lines, *self.columns.values(), strict=True):
            yield Row(line, dict(zip(names, values, strict=True)))

    def part(self, first: int, behind: int) -> "ManyRows":
        """Return the rows from place *first* up to, but without, *behind*."""
        columns = {name: column[first:behind] for name, column in self.columns.items()}
        return ManyRows(self.lines[first:behind], columns)


Rows = Row | ManyRows


def each_row(found: Iterable[Rows]) -> Iterator[Row]:
    """Yield the rows of *found* one by one."""
    for one in found:
        if isinstance(one, ManyRows):
            yield from one
        else:
            yield one


@dataclass(frozen=True, slots=True)
class SourceQuestion(Submission):
    """A question of the archive; ``line`` counts from 1, rows if the format has no lines."""

    line: int = 1
    dropped: tuple[Dropped, ...] = ()
    """Values of optional fields that could not be used."""


@dataclass(frozen=True, slots=True)
class KnownPair:
    """Two questions on which the forum's own people have decided."""

    line: int
    first_id: str
    second_id: str
    is_duplicate: bool = True
    """False if they decided that the two are not the same."""
    canonical_id: str | None = None
    """The canonical question of the two, if the forum names it."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A row that the forum does not show to everybody: not stored, and hidden if it was stored."""

    line: int
    reason: str
    """The reason in a word or two: `deleted`, `private`, `unapproved`, `closed category`."""
    external_id: str | None = None
    """Without an id, a question that was imported before is not hidden."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read, and why."""

    line: int
    reason: str


Record = SourceQuestion | KnownPair | Hidden | Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The records of many rows: plain questions by column, and all other records.

    No field of the plain questions was dropped, and no other record has the id of one of them.
    """

    places: Sequence[int]
    """Places of the questions among the rows of the block."""
    rows: int
    lines: Sequence[int]
    external_ids: Sequence[str]
    titles: Sequence[str]
    bodies: Sequence[str]
    urls: Sequence[str | None]
    categories: Sequence[str | None]
    authors: Sequence[str | None]
    asked_at: Sequence[str | None]
    """In ISO 8601 and UTC, as `datetime.isoformat` writes it."""
    facts: Sequence[Facts]
    updated_at: Sequence[str | None]
    others: Sequence[tuple[int, Record]] = ()
    """The other records, each with the place of its row."""
    digest: bytes | None = None
    """Digest of the used columns and of how they are read; None without memory or ids."""

    def __len__(self) -> int:
        return len(self.lines) + len(self.others)

    def question(self, place: int) -> SourceQuestion:
        """Return the question at *place* of the columns."""
        return SourceQuestion(
            self.external_ids[place],
            self.titles[place],
            self.bodies[place],
            self.urls[place],
            self.categories[place],
            self.authors[place],
            _moment(self.asked_at[place]),
            facts=self.facts[place],
            updated_at=_moment(self.updated_at[place]),
            line=self.lines[place],
        )

    def __iter__(self) -> Iterator[Record]:
        """Yield all records in the order of their rows."""
        questions = zip(self.places, map(self.question, range(len(self.lines))), strict=True)
        merged = heapq.merge(questions, self.others, key=itemgetter(0))
        yield from (record for _, record in merged)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Rows that an earlier archive of this name had too: the used columns are the same."""

    digest: bytes
    external_ids: Sequence[str]
    """Ids of the plain questions, whose stored rows may be unchanged."""
    others: Sequence[tuple[int, Record]]
    read: Callable[[], list["Record | Block"]]
    """Reads the rows, if they are needed."""

    def __len__(self) -> int:
        return len(self.external_ids) + len(self.others)


Piece = Record | Block | Same


def singly(pieces: Iterable[Piece]) -> Iterator[Record]:
    """Yield the records of *pieces* one by one."""
    for piece in pieces:
        if isinstance(piece, Same):
            yield from singly(piece.read())
        elif isinstance(piece, Block):
            yield from piece
        else:
            yield piece


def length(piece: Piece) -> int:
    """Return the number of records in *piece*."""
    return len(piece) if isinstance(piece, (Block, Same)) else 1


@dataclass(slots=True)
class Memory:
    """The known parts of earlier archives of the same name."""

    salt: str = ""
    """Changes if rows become other questions, such as the program's version; empty without memory.
    """
    odd: Mapping[bytes, Sequence[int]] = field(default_factory=dict)
    """By the digest of each part: places of the rows that are read one by one."""


class Peeked:
    """An iterator of records whose first ones can be seen before it is read."""

    _pieces: Iterator[Piece]
    memory: Memory | None = None

    def sample(self, count: int = 3) -> list[Record]:
        """Return the first records; later reading still yields them."""
        head: list[Piece] = []
        while sum(map(length, head)) < count and (piece := next(self._pieces, None)) is not None:
            head.append(piece)
        self._pieces = chain(head, self._pieces)
        return list(islice(singly(head), count))

    def pieces(self) -> Iterator[Piece]:
        """Return the records; plain questions come in blocks."""
        return self._pieces

    def __iter__(self) -> Iterator[Record]:
        return singly(self._pieces)
