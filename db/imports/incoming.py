"""Questions to store, column by column, as COPY takes them."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress, repeat
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
    made: tuple[Sequence[str], bytes] | None = None
    """What stands beside each question, and the text for COPY, if it was made before.

    Then it is likely that none of them is stored.
    """

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
        if names is self.columns["author"]:
            return self
        return type(self)({**self.columns, "author": names}, self.tokens)

    @classmethod
    def joined(cls, some: Sequence[Self]) -> Self:
        """Return the questions of *some*, one behind the other."""
        filled = [one for one in some if len(one)]
        if len(filled) <= 1:
            return (filled or some)[0]
        columns = {
            name: list(chain.from_iterable(one.columns[name] for one in filled)) for name in COLUMNS
        }
        return cls(columns, list(chain.from_iterable(one.tokens for one in filled)))

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
        return [name for name in COLUMNS if shared_by_all(self.columns[name]) != (None,)]

    def lines(self, beside: Sequence[str] = ()) -> io.BytesIO:
        """Return the columns of `named`, then the values *beside* each question, as text for COPY.

        The rows are in the order of the ids, in which all code locks them.
        """
        if self.made is not None and list(self.made[0]) == list(beside):
            return io.BytesIO(self.made[1])
        return io.BytesIO(self._text(beside))

    def ready(self, beside: Sequence[str]) -> Self:
        """Return the same questions with the text for COPY made, for another thread."""
        return replace(self, made=(beside, self._text(beside))) if len(self) else self

    def _text(self, beside: Sequence[str]) -> bytes:
        cells: list[str | Sequence[str]] = []
        for name in self.named():
            cells += ["\t", *_cells(self.columns[name], is_bytes=name in _BYTES)]
        cells += [f"\t{value}" for value in beside]
        rows = sorted(beside_each_other(cells[1:], len(self)))
        return ("\n".join(rows) + "\n").encode()


def beside_each_other(parts: Sequence[str | Sequence[str]], count: int) -> Iterator[str]:
    """Yield *count* rows: of each column of *parts* one text, and the texts between the columns.

    A text that all rows share need not be a column: putting few texts together is quicker.
    """
    joined: list[Iterable[str]] = []
    between = ""
    for part in parts:
        if isinstance(part, str):
            between += part
        else:
            joined += [repeat(between, count), part]
            between = ""
    return map("".join, zip(*joined, repeat(between, count), strict=True))


def shared_by_all(column: Texts) -> tuple[str | None] | None:
    """Return the one value of all rows; None if there are several, or no rows."""
    if not column or column[0] != column[-1]:  # looking at each is for the few that are so
        return None
    first = column[0]
    return (first,) if column.count(first) == len(column) else None


def whole_of(column: Texts) -> str | None:
    """Return all texts of a column as one; None if any of them is null."""
    try:
        return "".join(column)  # type: ignore[arg-type]  # raises if any is null
    except TypeError:
        return None


def _cells(column: Texts, *, is_bytes: bool) -> list[str | Sequence[str]]:
    """Return the texts of a column as COPY takes them: one, if all rows share it."""
    if is_bytes:
        return ["\\\\x", column]  # type: ignore[list-item]  # none is null
    if (shared := shared_by_all(column)) is not None:
        return [_cell(shared[0])]
    whole = whole_of(column)
    is_plain = whole is not None and not any(mark in whole for mark in "\\\n\r\t")
    return [column if is_plain else list(map(_cell, column))]  # type: ignore[list-item]


def _cell(text: str | None) -> str:
    return _NULL if text is None else text.translate(_ESCAPED)
