"""Questions to store, column by column, as COPY takes them."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Self

from db.questions.rows import NO_FACTS, NewQuestion

Texts = Sequence[str | None]

_OF_ITEM: Mapping[str, Callable[[NewQuestion], str | None]] = {
    "external_id": lambda item: item.external_id,
    "title": lambda item: item.title,
    "body": lambda item: item.body,
    "url": lambda item: item.url,
    "category": lambda item: item.category,
    "author": lambda item: item.author,
    "asked_at": lambda item: item.asked_at.isoformat() if item.asked_at else None,
    "visible": lambda item: "t" if item.visible else "f",
    "facts": lambda item: None if item.facts is NO_FACTS else json.dumps(item.facts.stored()),
    "edited_at": lambda item: item.edited_at.isoformat() if item.edited_at else None,
    "revision": lambda item: None if item.revision is None else str(item.revision),
    "text_fields": lambda item: str(item.text_fields),
    "read_title": lambda item: item.read_title,
    "read_body": lambda item: item.read_body,
    "text_digest": lambda item: item.text_digest.hex(),
    "content_digest": lambda item: item.content_digest.hex(),
    "foreign_share": lambda item: str(item.foreign_share),
}
COLUMNS = tuple(_OF_ITEM)
_BYTES = frozenset({"text_digest", "content_digest"})
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_NULL = "\\N"


@dataclass(frozen=True, slots=True)
class Incoming:
    """Questions by column; digests are in hexadecimal, moments in ISO 8601, facts in JSON."""

    columns: Mapping[str, Texts]
    """By the names of `COLUMNS`, all of one length."""
    tokens: Sequence[int]

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def of(cls, items: Sequence[NewQuestion]) -> Self:
        """Return the columns of *items*."""
        columns = {name: list(map(read, items)) for name, read in _OF_ITEM.items()}
        return cls(columns, [item.tokens for item in items])

    @property
    def ids(self) -> Sequence[str]:
        """Return the forum's own ids."""
        return self.columns["external_id"]  # type: ignore[return-value]  # none is null

    def with_authors(self, names: Texts) -> Self:
        """Return the questions with other names of their authors."""
        return type(self)({**self.columns, "author": names}, self.tokens)

    def joined(self, other: Self) -> Self:
        """Return the questions of both, these first."""
        if not (len(self) and len(other)):
            return self if len(self) else other
        columns = {name: [*self.columns[name], *other.columns[name]] for name in COLUMNS}
        return type(self)(columns, [*self.tokens, *other.tokens])

    def picked(self, keep: Sequence[bool]) -> Self:
        """Return the questions at whose places *keep* is true."""
        if all(keep):
            return self
        columns = {name: list(compress(column, keep)) for name, column in self.columns.items()}
        return type(self)(columns, list(compress(self.tokens, keep)))

    def without(self, places: Sequence[int]) -> Self:
        """Return the questions that are not at *places*, which count from 1."""
        gone = frozenset(places)
        return self.picked([at not in gone for at in range(1, len(self) + 1)])

    def named(self) -> list[str]:
        """Return the names of the columns that have a value in any row."""
        return [name for name in COLUMNS if not _is_empty(self.columns[name])]

    def lines(self, beside: Sequence[str] = ()) -> io.BytesIO:
        """Return the columns of `named`, then the values *beside* each question, as text for COPY.

        The rows are in the order of the ids, in which all code locks them.
        """
        cells = [_cells(self.columns[name], is_bytes=name in _BYTES) for name in self.named()]
        rows = sorted(map("\t".join, zip(*cells, *map(repeat, beside), strict=False)))
        return io.BytesIO(("\n".join(rows) + "\n").encode())


def array_of(texts: Sequence[str]) -> str:
    """Return *texts* as one value that Postgres casts to an array: quicker than many values."""
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def _is_empty(column: Texts) -> bool:
    return column.count(None) == len(column)


def _cells(column: Texts, *, is_bytes: bool) -> Iterator[str]:
    if is_bytes:
        return map("\\\\x{}".format, column)
    whole = "".join(filter(None, column))
    is_plain = not any(mark in whole for mark in "\\\n\r\t")
    if is_plain:
        return iter([_NULL if text is None else text for text in column])
    return iter([_NULL if text is None else text.translate(_ESCAPED) for text in column])
