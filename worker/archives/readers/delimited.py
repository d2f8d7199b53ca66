"""CSV and TSV, quoted as by spreadsheets, or with bare quotes as in database dumps.

A quote that is not closed is found out by reading on, and the lines behind it are then read again.
Each line is read again a few times at most, so the work stays linear in the file.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Columns,
    Record,
    Reject,
    UnreadableArchiveError,
)
from worker.archives.readers.streams import TOO_LONG, lines

DELIMITERS = ",\t;|"
_QUOTED_LINES = 2_000
"""Lines that one quoted field may span; a quote that is never closed is given up after so many."""
_TRIES = 8
"""Records that may take a line for their own in vain; after those it begins a record itself."""


@dataclass(slots=True)
class _Line:
    number: int
    text: str
    tries: int = 0


class _TooLongError(Exception):
    """The record goes on beyond `RECORD_LIMIT`."""


class _Lines:
    """Lines for `csv.reader` that can go back to the start of a broken record."""

    def __init__(self, file: BinaryIO) -> None:
        self._source = lines(file)
        self._back: list[_Line] = []
        self._taken: list[_Line] = []
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
            raise _TooLongError
        return line.text

    def _fresh(self) -> _Line:
        for number, text in self._source:
            if text is not None:
                return _Line(number, text)
            self.rejects.append(Reject(number, TOO_LONG))
        raise StopIteration

    def end_record(self) -> int:
        """Return the number of the first line of the record that ends here."""
        number = self._taken[0].number
        self._forget()
        return number

    def step_back(self) -> _Line:
        """Return the first line of the present record; the others will be read again."""
        first, *others = self._taken
        for line in others:
            line.tries += 1
        self._back.extend(reversed(others))
        self._forget()
        return first

    def pass_over(self) -> int:
        """Return the number of the first line of the record being read, and go behind its end.

        Its end is the line that closes the last open quote, or where it is given up.
        """
        number, count = self._taken[0].number, len(self._taken)
        is_open = sum(line.text.count('"') for line in self._taken) % 2 == 1
        self._forget()
        while is_open and count < _QUOTED_LINES and (line := next(self._left(), None)):
            is_open ^= line.text.count('"') % 2 == 1
            count += 1
        return number

    def _left(self) -> Iterator[_Line]:
        try:
            yield self._back.pop() if self._back else self._fresh()
        except StopIteration:
            return

    def _forget(self) -> None:
        self._taken.clear()
        self._taken_chars = 0


def guess_delimiter(line: str) -> str:
    """Return the delimiter of the header *line*; a comma if there is only one column."""
    return max(DELIMITERS, key=line.count)


class DelimitedRows:
    """Rows of a delimited file whose first line names its columns, as they come: of any width."""

    def __init__(self, file: BinaryIO, *, delimiter: str | None = None) -> None:
        csv.field_size_limit(2 * RECORD_LIMIT)  # what is longer has been refused before
        self._lines = _Lines(file)
        header_line = next(self._lines, None)
        if header_line is None:
            raise UnreadableArchiveError("the file is empty")
        self._delimiter = delimiter or guess_delimiter(header_line)
        try:
            header = next(csv.reader([header_line], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise UnreadableArchiveError(f"line 1 is no header: {error}") from error
        self._lines.end_record()
        self.header = [name.strip().lstrip("\ufeff") for name in header]

    def __iter__(self) -> Iterator[tuple[int, Sequence[str]] | Reject]:
        """Yield each row with its line, from 1; what cannot be split comes as a reject."""
        for number, row in self._rows():
            yield from self._lines.rejects
            self._lines.rejects.clear()
            if row:
                yield number, row
        yield from self._lines.rejects

    def _rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        source = self._lines
        reader = self._reader()
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reader = self._reader()  # the old one is stuck inside the quote
                yield self._bare(source.step_back(), error)
            except _TooLongError:
                reader = self._reader()
                number = source.pass_over()
                source.rejects.append(Reject(number, RECORD_TOO_LONG))
                yield number, ()
            else:
                yield source.end_record(), row

    def _reader(self) -> Iterator[Sequence[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def _bare(self, line: _Line, error: csv.Error) -> tuple[int, Sequence[str]]:
        """Return the line's columns with its quotes as they are, or none and a reject."""
        bare = line.text.rstrip("\r\n").split(self._delimiter)
        if len(bare) == len(self.header):
            return line.number, bare
        self._lines.rejects.append(Reject(line.number, f"it cannot be split: {error}"))
        return line.number, ()


class DelimitedReader:
    """Questions of a delimited file."""

    def __init__(
        self, file: BinaryIO, *, delimiter: str | None, chosen: Mapping[str, str] | None
    ) -> None:
        self._rows = DelimitedRows(file, delimiter=delimiter)
        self.columns = Columns.resolve(self._rows.header, chosen)

    def __iter__(self) -> Iterator[Record]:
        names, fields, header = self.columns.names, self.columns.fields, self._rows.header
        places = [header.index(names[f]) if f in names else -1 for f in fields]
        for item in self._rows:
            if isinstance(item, Reject):
                yield item
                continue
            number, row = item
            if len(row) != len(header):
                reason = f"there are {len(row)} columns where the header has {len(header)}"
                yield Reject(number, reason)
                continue
            values = [row[place] if place >= 0 else None for place in places]
            yield from self.columns.records(number, values)
