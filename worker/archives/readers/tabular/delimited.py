"""Reads CSV and TSV in every dialect of `dialect`.

A quote that is never closed is only noticed some lines later; then the lines after its own line are
read again. Each line is read again a few times at most, so the work stays linear in the file's
size.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO, NamedTuple

from db.wording import counted
from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    ManyRows,
    Reject,
    Row,
    Rows,
    UnreadableArchiveError,
)
from worker.archives.readers.tabular import dialect as dialects
from worker.archives.readers.tabular.delimited_lines import (
    SAMPLE_CHARS,
    SAMPLE_LINES,
    Line,
    Lines,
    TooLongError,
)
from worker.archives.readers.tabular.dialect import Dialect, Quoting
from worker.archives.readers.tabular.drawn_signs import is_foot
from worker.archives.readers.tabular.headers import header_place

_AT_ONCE, _SINGLY = 64, 1 << 14
"""Lines that are split at once, and the most rows that are read one by one after that has failed.
"""
_UNIT = "\x1f"
"""Written in place of a delimiter of several characters."""
_RULE = re.compile(r"--[- ]*\r?\n?")
_TYPE = re.compile(
    r"(?:(?:big|small|tiny)?int(?:eger)?(?:32|64)?|long|number|numeric|float(?:64)?|double|decimal"
    r"|string|str|object|text|(?:n?var)?char|nvarchar2?|varchar2|bool(?:ean)?|date(?:time)?(?:64)?"
    r"|timestamp|uuid)(?:\(\d+(?:, ?\d+)?\))?"
)
_NAME = re.compile(r"[^\W\d][\w .-]{0,40}")
_NOTES = 30
"""The first lines, in which the names of the columns are searched."""

_HEADER_LINES = 20
"""The most lines of a header: spreadsheets break the names of columns."""

Values = Sequence[str | None]


class _Split(NamedTuple):
    """Rows with the numbers of their first lines."""

    numbers: Sequence[int]
    rows: Sequence[Values]


_NONE = _Split((), ())


def _alone(number: int, row: Values) -> _Split:
    return _Split((number,), (row,))


def _by_name(names: list[str], split: _Split) -> ManyRows:
    """Return rows, all as wide as the header, by its names."""
    columns = zip(*split.rows, strict=True)
    return ManyRows(split.numbers, dict(zip(names, columns, strict=True)))


def _other_header(row: Values, names: Sequence[str]) -> str:
    """Return the names in a *row* that begins another table with ids; empty for other rows."""
    cells = [cell or "" for cell in row]
    is_named = len(cells) > 1 and all(map(_NAME.fullmatch, cells)) and cells != list(names)
    has_ids = cells[0] == names[0] or all(one[-2:].lower() == "id" for one in (cells[0], names[0]))
    return ", ".join(cells) if is_named and has_ids else ""


def _unmarked(row: Sequence[str]) -> Values:
    return [cell.replace(dialects.RETURN, "\r") for cell in row]


class DelimitedRows:
    """The rows of a delimited file, which may have any number of cells.

    The first line names the columns. For a file without such a line *columns* has the names.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        delimiter: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        csv.field_size_limit(2 * RECORD_LIMIT)  # longer records are rejected before this
        self._lines = Lines(file)
        self._has_gap, self._others = False, ""
        """Whether an empty line or a title is before the next row, and the names of another table
        that began behind one.
        """
        sample = self._lines.sample()
        if not sample:
            raise UnreadableArchiveError("the file is empty")
        if said := dialects.separator(sample[0]):
            delimiter, sample = said, sample[1:]
            next(self._lines)
            self._lines.end_record()
        first, below = (*sample[:2], "", "")[:2]
        self._long = dialects.long_delimiter(first, below) if said is None else None
        if long := self._long:
            self._lines.replace(long, delimiter := _UNIT)
            sample = [line.replace(long, _UNIT) for line in sample]
        if not columns and said is None:
            sample = self._behind_preamble(sample)
        if said is None and delimiter is None:
            delimiter = dialects.rare_delimiter(*(*sample[:2], "", "")[:2])
        chars = sum(map(len, sample))
        is_whole = len(sample) < SAMPLE_LINES and chars < SAMPLE_CHARS
        # Programs that end lines with \r\n quote cells with a carriage return.
        self._has_bare_returns = not sample[0].endswith("\r\n") if sample else False
        self.dialect = dialects.guess(sample, delimiter, is_whole=is_whole)
        if self.dialect.quote == dialects.OTHER_QUOTES[1]:
            self._lines.replace(dialects.LINE_END, "\n")
        self.header = list(columns) or self._header()
        self._add_index(sample)
        below = self._lines.peek()
        if _RULE.fullmatch(below.replace(self.dialect.delimiter, "")) or self._are_types(below):
            next(self._lines)  # the rule that sqlcmd draws below the names, or their types
            self._lines.end_record()

    def _are_types(self, line: str) -> bool:
        """Return whether each cell of *line* is the type of its column, and not a value."""
        cells = [cell.strip(' \t\r\n"').lower() for cell in line.split(self.dialect.delimiter)]
        return len(cells) == len(self.header) > 1 and all(map(_TYPE.fullmatch, cells))

    def _behind_preamble(self, sample: list[str]) -> list[str]:
        """Skip a title, notes and empty lines before the header; return the lines after them."""
        cells = [
            line.rstrip("\r\n").split(dialects.guess_delimiter(line)) for line in sample[:_NOTES]
        ]
        place = header_place(
            [[cell.strip(f' \t"{dialects.OTHER_QUOTES}\ufeff') for cell in row] for row in cells]
        )
        for _ in range(place):
            next(self._lines)
            self._lines.end_record()
        return sample[place:]

    def _header(self) -> list[str]:
        lines = islice(self._lines, _HEADER_LINES)
        try:
            header = next(self.dialect.reader(lines), None)
        except csv.Error as error:
            raise UnreadableArchiveError(f"line 1 is no header: {error}") from error
        if header is None:
            raise UnreadableArchiveError("there is no header")
        self._lines.end_record()
        return [" ".join(name.split()).lstrip("\ufeff") for name in header]

    def _add_index(self, sample: Sequence[str]) -> None:
        """Add a name for the first column if every row has one cell too many, as R writes it."""
        wide = len(self.header) + 1
        if len(self.header) < 2 or self.dialect.quoting is not Quoting.DOUBLED:  # noqa: PLR2004
            return
        lines = sample[1:-1] if len(sample) >= SAMPLE_LINES else sample[1:]
        try:
            rows = list(self.dialect.reader(lines))
        except csv.Error:
            return
        if rows and all(len(row) == wide and row[-1] and row[0] for row in rows if row):
            self.header.insert(0, "")

    def __iter__(self) -> Iterator[tuple[int, Values] | Reject]:
        """Yield each row with its line, from 1; a row that cannot be split is a reject."""
        for group in self._groups():
            if isinstance(group, Reject):
                yield group
            else:
                yield from zip(*group, strict=True)

    def _groups(self) -> Iterator[_Split | Reject]:
        """Yield rejects, and rows one by one or many together, each as wide as the header."""
        rows = self._quoted if self.dialect.quoting is Quoting.DOUBLED else self._plain
        for group in rows():
            yield from self._lines.rejects
            self._lines.rejects.clear()
            if len(group.rows) > 1 or group.rows[0]:
                yield group if self._long is None else self._with_long(group)
            else:
                self._has_gap = True
        yield from self._lines.rejects

    def _with_long(self, group: _Split) -> _Split:
        """Return *group* with the long delimiter again where it is inside a quoted cell."""
        long = self._long or ""
        rows = [[cell and cell.replace(_UNIT, long) for cell in row] for row in group.rows]
        return _Split(group.numbers, rows)

    def rows(self) -> Iterator[Rows]:
        """Yield the rows by the names of their columns; a repeated header is left out."""
        names = list(self.header)
        while len(names) > 1 and not names[-1]:  # more delimiters than names
            names.pop()
        width = len(names)
        first_of = {name: names.index(name) for name in names}
        is_plain = len(first_of) == width
        for group in self._groups():
            if isinstance(group, Reject):
                yield Row(group.line, group.reason)
            elif is_plain and self._is_uniform(group, names):
                yield _by_name(names, group)
            else:
                yield from self._each_by_name(group, names, first_of if not is_plain else None)

    def _is_uniform(self, group: _Split, names: Sequence[str]) -> bool:
        """Return whether all rows of *group* are as wide as the names, and none may be special."""
        if len(group.rows) <= 1 or len(names) != len(self.header) or self._others:
            return False
        first = names[0]
        if any(row[0] == first for row in group.rows):  # perhaps the header again
            return False
        return len(names) > 1 or not any(is_foot(row[0] or "") for row in group.rows)

    def _each_by_name(
        self,
        group: _Split,
        names: Sequence[str],
        first_of: Mapping[str, int] | None,
    ) -> Iterator[Row]:
        """Yield rows of any width by name; if names repeat, *first_of* has their first places."""
        width = len(names)
        for number, found in zip(*group, strict=True):
            row = found
            if len(row) == 1 and is_foot(row[0] or ""):
                continue
            if self._has_gap and (others := _other_header(row, names)):
                self._others = others
            self._has_gap = len(row) == 1 < width
            if len(row) != width:
                if len(row) < width and self._is_cut_short(row):
                    row = [*row, *[""] * (width - len(row))]
                elif len(row) < width or any(cell for cell in row[width:]):
                    reason = f"it has {counted(len(row), 'column')}, but the header has {width}"
                    yield Row(number, reason)
                    continue
                row = row[:width]
            if row[0] == names[0] and list(row) == names:
                self._others = ""
                continue
            if self._others:
                yield Row(number, f"it is of another table in the same file ({self._others})")
                continue
            if first_of is None:
                yield Row(number, dict(zip(names, row, strict=True)))
            else:
                yield Row(number, {name: row[place] for name, place in first_of.items()})

    def _is_cut_short(self, row: Values) -> bool:
        """Return whether only empty cells are missing at the end, as spreadsheets leave them out.

        A row that is broken by a line end looks the same, but the next line does not begin with a
        number.
        """
        mark, beyond = self.dialect.delimiter, self._lines.peek()
        follows = not beyond.strip() or beyond.partition(mark)[0].strip('" ').isdigit()
        return len(row) > 1 and (row[0] or "").isdigit() and follows

    def _plain(self) -> Iterator[_Split]:
        """Yield the rows of a file without doubled quotes.

        A record includes a line end inside an open quote, or after a backslash, if these have a
        meaning in the dialect.
        """
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
            except TooLongError:
                number = source.pass_over()
                source.rejects.append(Reject(number, RECORD_TOO_LONG))
                yield _alone(number, ())
                continue
            number = source.end_record()
            yield _alone(number, () if text.isspace() else self._split(text, dialect))

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

    def _at_once(self) -> _Split:
        """Return the next rows if each is one line and as wide as the header, otherwise no rows."""
        numbers, texts = self._lines.take(_AT_ONCE)
        try:
            rows = list(self.dialect.reader(texts))
        except csv.Error:
            rows = []
        has_returns = self._has_bare_returns and "\r" in "".join(texts)
        is_plain = len(rows) == len(texts) and set(map(len, rows)) == {len(self.header)}
        if not is_plain or has_returns:
            self._lines.put_back(numbers, texts)
            return _NONE
        return _Split(numbers, rows)

    def _quoted(self) -> Iterator[_Split]:
        """Yield rows, many at once; after a failure more and more rows one by one."""
        singly = 0
        while True:
            while (split := self._at_once()).rows:
                yield split
                singly = 0
            singly = min(2 * singly + _AT_ONCE, _SINGLY)
            some = self._one_by_one()
            for _ in range(singly):
                row = next(some, None)
                if row is None:
                    return
                yield row

    def _one_by_one(self) -> Iterator[_Split]:
        source = self._lines
        reader = self._reader()
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reader = self._reader()  # the old reader is inside the quote
                yield self._bare(source.step_back(), error)
            except TooLongError:
                reader = self._reader()
                number = source.pass_over()
                source.rejects.append(Reject(number, RECORD_TOO_LONG))
                yield _alone(number, ())
            else:
                if len(source.taken) > 1 and self._has_swallowed(row):
                    reader = self._reader()
                    yield self._bare(source.step_back(), None)
                else:
                    is_marked = self._has_bare_returns and source.has_returns
                    yield _alone(source.end_record(), _unmarked(row) if is_marked else row)

    def _reader(self) -> Iterator[Sequence[str]]:
        marks = map(dialects.marked, self._lines) if self._has_bare_returns else self._lines
        return self.dialect.reader(marks)

    def _has_swallowed(self, row: Sequence[str]) -> bool:
        """Return whether each line of a record looks like a row: with a number, and as wide."""
        mark, width = self.dialect.delimiter, len(self.header)
        if width < 2 or not row[0].isdigit():  # noqa: PLR2004
            return False
        return all(
            line.text.count(mark) == width - 1 and line.text.partition(mark)[0].isdigit()
            for line in self._lines.taken
        )

    def _bare(self, line: Line, error: csv.Error | None) -> _Split:
        """Return the line's cells with its quotes unchanged, or no cells and add a reject."""
        mark, width = self.dialect.delimiter, len(self.header)
        bare: Values = line.text.rstrip("\r\n").split(mark)
        if len(bare) != width and '\\"' in line.text and not dialects.is_inside(line.text):
            bare = dialects.split_backslash(line.text, mark)
        if len(bare) == width:
            return _alone(line.number, bare)
        self._lines.rejects.append(Reject(line.number, f"it cannot be split: {error}"))
        return _alone(line.number, ())
