"""The records that readers yield, and what no file may hold."""

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
"""Characters or bytes of one record, over which it is rejected alone and not held in memory."""
RECORD_TOO_LONG = f"the record is longer than {RECORD_LIMIT >> 20} MiB"
_REASON_LENGTH = 600
_RATIO_LIMIT = 250
_RATIO_FROM = 64 << 20


class UnreadableArchiveError(InvalidInputError):
    """The file cannot be read as an archive of questions."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(None if message is None else _shown(message))


def _shown(text: str) -> str:
    """Return what may be long or hold anything, since a file wrote part of it, for people."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:_REASON_LENGTH])


def refuse_bomb(size: int, packed_size: int) -> None:
    """Raise `UnreadableArchiveError` if the unpacked size is far too large for the packed one."""
    if size > max(_RATIO_FROM, _RATIO_LIMIT * packed_size):
        raise UnreadableArchiveError(
            f"the file grows to over {_RATIO_LIMIT} times its size: it looks like a zip bomb"
        )


class Row(NamedTuple):
    """One row of a table, as its format has it."""

    line: int
    """Its line, from 1 (its number, in formats without lines)."""
    values: Mapping[str, Any] | str
    """By column; or why the row cannot be read."""


@dataclass(frozen=True, slots=True)
class SourceQuestion(Submission):
    """A question of the archive; ``line`` counts from 1 (rows, if the format has no lines)."""

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
    """False where they said that the two are not the same."""
    canonical_id: str | None = None
    """The one of the two that the forum points to, where it says."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A row that the forum does not show to everybody: not stored, and hidden if it was stored."""

    line: int
    reason: str
    """The kind, in a word or two: `deleted`, `private`, `unapproved`, `closed category`."""
    external_id: str | None = None
    """Without it, a question that was imported before stays as it is."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read, and why."""

    line: int
    reason: str


Record = SourceQuestion | KnownPair | Hidden | Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The records of many rows: questions that need nothing special, by column, and the others.

    Nothing of the questions was dropped, and no other record has the id of one.
    """

    places: Sequence[int]
    """Of the questions, among the rows of the block."""
    rows: int
    lines: Sequence[int]
    external_ids: Sequence[str]
    titles: Sequence[str]
    bodies: Sequence[str]
    urls: Sequence[str | None]
    categories: Sequence[str | None]
    authors: Sequence[str | None]
    asked_at: Sequence[str | None]
    """In ISO 8601, as `datetime.isoformat` writes it, in UTC."""
    facts: Sequence[Facts]
    updated_at: Sequence[str | None]
    others: Sequence[tuple[int, Record]] = ()
    """With the places of their rows."""
    digest: bytes | None = None
    """Of its rows as they stand in the file; None for what is not recognised again."""

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
    """Rows that an earlier archive of this name had in the same form."""

    digest: bytes
    external_ids: Sequence[str]
    """Of the questions that need nothing special: what is stored of them may be as it was."""
    others: Sequence[tuple[int, Record]]
    read: Callable[[], list["Record | Block"]]
    """Reads the rows after all."""

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
    """Return how many records *piece* is."""
    return len(piece) if isinstance(piece, (Block, Same)) else 1


@dataclass(slots=True)
class Memory:
    """What is known of earlier archives of the same name."""

    salt: str = ""
    """How rows become questions, beside what the file and its reader say; empty without memory."""
    odd: Mapping[bytes, Sequence[int]] = field(default_factory=dict)
    """Places of the rows that are read alone, by the digest of each part."""


class Peeked:
    """An iterator of records whose first ones can be looked at before it is read."""

    _pieces: Iterator[Piece]
    memory: Memory | None = None

    def sample(self, count: int = 3) -> list[Record]:
        """Return the first records; reading on still yields them."""
        head: list[Piece] = []
        while sum(map(length, head)) < count and (piece := next(self._pieces, None)) is not None:
            head.append(piece)
        self._pieces = chain(head, self._pieces)
        return list(islice(singly(head), count))

    def pieces(self) -> Iterator[Piece]:
        """Return the records, many at once where they are plain."""
        return self._pieces

    def __iter__(self) -> Iterator[Record]:
        return singly(self._pieces)
