"""CSV and TSV in every dialect of `dialect`.

A quote that is not closed is found out by reading on, and the lines behind it are then read again.
Each line is read again a few times at most, so the work stays linear in the file.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from worker.archives.readers import dialect as dialects
from worker.archives.readers.dialect import Dialect, Quoting
from worker.archives.readers.headers import header_place
from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Reject,
    Row,
    UnreadableArchiveError,
)
from worker.archives.readers.streams import TOO_LONG, lines

_QUOTED_LINES = 2_000
"""Lines that one quoted field may span; a quote that is never closed is given up after so many."""
_TRIES = 8
"""Records that may take a line for their own in vain; after those it begins a record itself."""
_SAMPLE_LINES, _SAMPLE_CHARS = 1_000, 1 << 18
_NOTES = 30
"""Lines among which the names of the columns are looked for."""

Values = Sequence[str | None]


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

    def sample(self) -> list[str]:
        """Return the first lines; they are still to come."""
        held: list[_Line] = []
        chars = 0
        while len(held) < _SAMPLE_LINES and chars < _SAMPLE_CHARS:
            try:
                held.append(self._fresh())
            except StopIteration:
                break
            chars += len(held[-1].text)
        self._back.extend(reversed(held))
        return [line.text for line in held]

    def undraw(self) -> list[str]:
        """Take all lines for rows of a table that was drawn with bars, and return the first."""
        self._source = _undrawn(self._source)
        bare = [(line.number, dialects.undrawn(line.text)) for line in self._back]
        self._back = [_Line(number, text) for number, text in bare if text is not None]
        return [line.text for line in reversed(self._back)]

    def peek(self) -> str:
        """Return the line that comes next, which stays; empty at the end."""
        if not self._back:
            try:
                self._back.append(self._fresh())
            except StopIteration:
                return ""
        return self._back[-1].text

    def end_record(self) -> int:
        """Return the number of the first line of the record that ends here."""
        number = self._taken[0].number
        self._forget()
        return number

    @property
    def has_returns(self) -> bool:
        """Return whether a line of the record being read has a carriage return inside."""
        return any("\r" in line.text for line in self._taken)

    @property
    def taken(self) -> Sequence[_Line]:
        """The lines of the record being read."""
        return self._taken

    def step_back(self) -> _Line:
        """Return the first line of the record being read; those behind it come again."""
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


def _undrawn(source: Iterator[tuple[int, str | None]]) -> Iterator[tuple[int, str | None]]:
    """Yield the lines of a drawn table that hold rows, without their outer bars."""
    for number, text in source:
        bare = None if text is None else dialects.undrawn(text)
        if text is None or bare is not None:
            yield number, bare


def _unmarked(row: Sequence[str]) -> Values:
    return [cell.replace(dialects.RETURN, "\r") for cell in row]


class DelimitedRows:
    """Rows of a delimited file as they come: of any width.

    The first line names the columns, unless *columns* do, of a file without such a line.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        delimiter: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        csv.field_size_limit(2 * RECORD_LIMIT)  # what is longer has been refused before
        self._lines = _Lines(file)
        sample = self._lines.sample()
        if not sample:
            raise UnreadableArchiveError("the file is empty")
        if said := dialects.separator(sample[0]):
            delimiter, sample = said, sample[1:]
            next(self._lines)
            self._lines.end_record()
        if dialects.is_drawn(sample):
            delimiter, sample = "|", self._lines.undraw()
        elif not columns and said is None:
            sample = self._behind_preamble(sample)
        chars = sum(map(len, sample))
        is_whole = len(sample) < _SAMPLE_LINES and chars < _SAMPLE_CHARS
        # Writers whose lines end so quote what holds one.
        self._has_bare_returns = not sample[0].endswith("\r\n") if sample else False
        self.dialect = dialects.guess(sample, delimiter, is_whole=is_whole)
        self.header = list(columns) or self._header()
        self._add_index(sample)

    def _behind_preamble(self, sample: list[str]) -> list[str]:
        """Go behind a title, notes and empty lines before the names of the columns."""
        cells = [
            line.rstrip("\r\n").split(dialects.guess_delimiter(line)) for line in sample[:_NOTES]
        ]
        place = header_place([[cell.strip(" \t\"'\ufeff") for cell in row] for row in cells])
        for _ in range(place):
            next(self._lines)
            self._lines.end_record()
        return sample[place:]

    def _header(self) -> list[str]:
        line = next(self._lines, None)
        if line is None:
            raise UnreadableArchiveError("there is no header")
        try:
            header = next(self.dialect.reader([line]))
        except csv.Error as error:
            raise UnreadableArchiveError(f"line 1 is no header: {error}") from error
        self._lines.end_record()
        return [name.strip().lstrip("\ufeff") for name in header]

    def _add_index(self, sample: Sequence[str]) -> None:
        """Name the first column where every row has one more than the header, as R writes them."""
        wide = len(self.header) + 1
        if len(self.header) < 2 or self.dialect.quoting is not Quoting.DOUBLED:  # noqa: PLR2004
            return
        lines = sample[1:-1] if len(sample) >= _SAMPLE_LINES else sample[1:]
        try:
            rows = list(self.dialect.reader(lines))
        except csv.Error:
            return
        if rows and all(len(row) == wide and row[-1] and row[0] for row in rows if row):
            self.header.insert(0, "")

    def __iter__(self) -> Iterator[tuple[int, Values] | Reject]:
        """Yield each row with its line, from 1; what cannot be split comes as a reject."""
        rows = self._quoted if self.dialect.quoting is Quoting.DOUBLED else self._plain
        for number, row in rows():
            yield from self._lines.rejects
            self._lines.rejects.clear()
            if row:
                yield number, row
        yield from self._lines.rejects

    def rows(self) -> Iterator[Row]:
        """Yield each row by the names of its columns; a header that is repeated is none."""
        names = list(self.header)
        while len(names) > 1 and not names[-1]:  # there are more delimiters than names
            names.pop()
        width = len(names)
        first_of = {name: names.index(name) for name in names}
        is_plain = len(first_of) == width
        for item in self:
            if isinstance(item, Reject):
                yield Row(item.line, item.reason)
                continue
            number, row = item
            if len(row) != width:
                if len(row) < width and self._is_cut_short(row):
                    row = [*row, *[""] * (width - len(row))]
                elif len(row) < width or any(cell for cell in row[width:]):
                    reason = f"there are {len(row)} columns where the header has {width}"
                    yield Row(number, reason)
                    continue
                row = row[:width]
            if row[0] == names[0] and list(row) == names:
                continue
            if is_plain:
                yield Row(number, dict(zip(names, row, strict=True)))
            else:
                yield Row(number, {name: row[place] for name, place in first_of.items()})

    def _is_cut_short(self, row: Values) -> bool:
        """Return whether only empty columns are missing at the end, as spreadsheets leave them out.

        A row that a line end broke looks the same, but no number begins the line behind it.
        """
        mark, beyond = self.dialect.delimiter, self._lines.peek()
        follows = not beyond.strip() or beyond.partition(mark)[0].strip('" ').isdigit()
        return len(row) > 1 and (row[0] or "").isdigit() and follows

    def _plain(self) -> Iterator[tuple[int, Values]]:
        """Yield the rows of a file whose records end where no backslash or quote holds the line."""
        source, dialect = self._lines, self.dialect
        while True:
            try:
                text = next(source)
                while self._goes_on(text):
                    text += next(source)
            except StopIteration:
                if not source.taken:
                    return
                yield self._bare(source.step_back(), csv.Error("the file ends inside it"))
                continue
            except csv.Error as error:
                yield self._bare(source.step_back(), error)
                continue
            except _TooLongError:
                number = source.pass_over()
                source.rejects.append(Reject(number, RECORD_TOO_LONG))
                yield number, ()
                continue
            number = source.end_record()
            yield number, () if text.isspace() else self._split(text, dialect)

    def _goes_on(self, text: str) -> bool:
        if self.dialect.quoting is Quoting.BACKSLASH:
            return dialects.is_inside(text)
        return self.dialect.quoting is Quoting.ESCAPED and dialects.is_open(text)

    def _split(self, text: str, dialect: Dialect) -> Values:
        if dialect.quoting is Quoting.BACKSLASH:
            return dialects.split_backslash(text, dialect.delimiter)
        if dialect.quoting is Quoting.ESCAPED:
            return dialects.split_escaped(text, dialect.delimiter)
        return text.rstrip("\r\n").split(dialect.delimiter)

    def _quoted(self) -> Iterator[tuple[int, Values]]:
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
                if len(source.taken) > 1 and self._has_swallowed(row):
                    reader = self._reader()
                    yield self._bare(source.step_back(), None)
                else:
                    is_marked = self._has_bare_returns and source.has_returns
                    yield source.end_record(), _unmarked(row) if is_marked else row

    def _reader(self) -> Iterator[Sequence[str]]:
        marks = map(dialects.marked, self._lines) if self._has_bare_returns else self._lines
        return self.dialect.reader(marks)

    def _has_swallowed(self, row: Sequence[str]) -> bool:
        """Return whether each line of a record looks like a row: numbered, and as wide."""
        mark, width = self.dialect.delimiter, len(self.header)
        if width < 2 or not row[0].isdigit():  # noqa: PLR2004
            return False
        return all(
            line.text.count(mark) == width - 1 and line.text.partition(mark)[0].isdigit()
            for line in self._lines.taken
        )

    def _bare(self, line: _Line, error: csv.Error | None) -> tuple[int, Values]:
        """Return the line's columns with its quotes as they are, or none and a reject."""
        mark, width = self.dialect.delimiter, len(self.header)
        bare: Values = line.text.rstrip("\r\n").split(mark)
        if len(bare) != width and '\\"' in line.text and not dialects.is_inside(line.text):
            bare = dialects.split_backslash(line.text, mark)
        if len(bare) == width:
            return line.number, bare
        self._lines.rejects.append(Reject(line.number, f"it cannot be split: {error}"))
        return line.number, ()
