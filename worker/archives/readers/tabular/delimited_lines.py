"""The lines of a delimited file. After a broken record they can be read again."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from worker.archives.readers.containers.streams import TOO_LONG, many_lines
from worker.archives.readers.records import RECORD_LIMIT, Reject

_QUOTED_LINES = 2_000
"""Most lines of one quoted field; after so many a quote counts as never closed."""
_TRIES = 8
"""After so many broken records with a line inside, the line begins a record itself."""
_MARK = "\ufeff"
"""The byte order mark, with which a file of Windows begins."""
SAMPLE_LINES, SAMPLE_CHARS = 1_000, 1 << 18


@dataclass(slots=True)
class Line:
    """One line of the file."""

    number: int
    text: str
    tries: int = 0


class TooLongError(Exception):
    """The record is longer than `RECORD_LIMIT`."""


class Lines:
    """Lines for `csv.reader` that can go back to the start of a broken record."""

    def __init__(self, file: BinaryIO) -> None:
        self._source = many_lines(file)
        self._piece: Sequence[str] = ()
        """Lines that were read at once; the first has the number `_first`, and `_place` are taken.
        """
        self._first = self._place = 0
        self._back: list[Line] = []
        self._taken: list[Line] = []
        self._taken_chars = 0
        self.rejects: list[Reject] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= _QUOTED_LINES:
            raise csv.Error("a quote is never closed")
        line = self._back.pop() if self._back else self._fresh()
        if self._taken and line.tries >= _TRIES:
            self._back.append(line)
            raise csv.Error("a quote is never closed")
        self._taken.append(line)
        self._taken_chars += len(line.text)
        if self._taken_chars > RECORD_LIMIT:
            raise TooLongError
        return line.text

    def _fresh(self) -> Line:
        if not self._has_piece():
            raise StopIteration
        self._place += 1
        return Line(self._first + self._place - 1, self._piece[self._place - 1])

    def _has_piece(self) -> bool:
        """Return whether there are lines that are not taken yet; read more if necessary."""
        while self._place >= len(self._piece):
            number, texts = next(self._source, (0, None))
            if texts is not None:
                if _MARK in (text[:1] for text in texts):  # files were joined
                    texts = [text.removeprefix(_MARK) for text in texts]
                self._piece, self._first, self._place = texts, number, 0
            elif number:
                self.rejects.append(Reject(number, TOO_LONG))
            else:
                return False
        return True

    def take(self, count: int) -> tuple[Sequence[int], Sequence[str]]:
        """Return the numbers and texts of up to *count* next lines.

        Both are empty at the end, or if the next line was tried before.
        """
        some: list[Line] = []
        while self._back and len(some) < count and not self._back[-1].tries:
            some.append(self._back.pop())
        if some or self._back:
            return [line.number for line in some], [line.text for line in some]
        if not self._has_piece():
            return (), ()
        first, place = self._first + self._place, self._place
        texts = self._piece[place : place + count]
        self._place += len(texts)
        return range(first, first + len(texts)), texts

    def put_back(self, numbers: Sequence[int], texts: Sequence[str]) -> None:
        """Put back lines that `take` returned; they come again."""
        self._back.extend(map(Line, reversed(numbers), reversed(texts)))

    def sample(self) -> list[str]:
        """Return the first lines without taking them."""
        held: list[Line] = []
        chars = 0
        while len(held) < SAMPLE_LINES and chars < SAMPLE_CHARS:
            try:
                held.append(self._fresh())
            except StopIteration:
                break
            chars += len(held[-1].text)
        self._back.extend(reversed(held))
        return [line.text for line in held]

    def replace(self, mark: str, instead: str) -> None:
        """Replace *mark* with *instead* in all lines that are not read yet."""
        self._source = (
            (number, texts and [text.replace(mark, instead) for text in texts])
            for number, texts in self._source
        )
        self._piece = [text.replace(mark, instead) for text in self._piece]
        for line in self._back:
            line.text = line.text.replace(mark, instead)

    def peek(self) -> str:
        """Return the next line without taking it; empty at the end."""
        if not self._back:
            try:
                self._back.append(self._fresh())
            except StopIteration:
                return ""
        return self._back[-1].text

    def end_record(self) -> int:
        """End a record here, and return the number of its first line."""
        number = self._taken[0].number
        self._forget()
        return number

    @property
    def has_returns(self) -> bool:
        """Return whether a line of the record being read has a carriage return inside."""
        return any("\r" in line.text for line in self._taken)

    @property
    def taken(self) -> Sequence[Line]:
        """Return the lines of the record being read."""
        return self._taken

    def step_back(self) -> Line:
        """Return the first line of the record being read; its other lines come again."""
        first, *others = self._taken
        for line in others:
            line.tries += 1
        self._back.extend(reversed(others))
        self._forget()
        return first

    def pass_over(self) -> int:
        """Skip the rest of the record being read, and return the number of its first line.

        The record ends with the line that closes the last open quote, or after `_QUOTED_LINES`
        lines.
        """
        number, count = self._taken[0].number, len(self._taken)
        is_open = sum(line.text.count('"') for line in self._taken) % 2 == 1
        self._forget()
        while is_open and count < _QUOTED_LINES and (line := next(self._left(), None)):
            is_open ^= line.text.count('"') % 2 == 1
            count += 1
        return number

    def _left(self) -> Iterator[Line]:
        try:
            yield self._back.pop() if self._back else self._fresh()
        except StopIteration:
            return

    def _forget(self) -> None:
        self._taken.clear()
        self._taken_chars = 0
