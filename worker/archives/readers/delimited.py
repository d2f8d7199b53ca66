"""CSV and TSV: quoted as spreadsheets do it, or with bare quotes as database dumps do."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from worker.archives.readers.records import Columns, Record, Reject, UnreadableArchiveError
from worker.archives.readers.streams import LINE_LIMIT, TOO_LONG, lines

DELIMITERS = ",\t;|"
_QUOTED_LINES = 2_000
"""Lines that one quoted field may span; a quote that is never closed is given up after so many."""


class _Lines:
    """Lines for `csv.reader`, which can be stepped back to where a broken record began."""

    def __init__(self, file: BinaryIO) -> None:
        self._source = lines(file)
        self._back: list[tuple[int, str]] = []
        self.taken: list[tuple[int, str]] = []
        self.rejects: list[Reject] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _QUOTED_LINES:
            raise csv.Error("a quote is never closed")
        number, line = self._back.pop() if self._back else self._fresh()
        self.taken.append((number, line))
        return line

    def _fresh(self) -> tuple[int, str]:
        for number, line in self._source:
            if line is not None:
                return number, line
            self.rejects.append(Reject(number, TOO_LONG))
        raise StopIteration

    def step_back(self) -> tuple[int, str]:
        """Return the first line of the record being read and give the others out again."""
        first, *others = self.taken
        self._back.extend(reversed(others))
        self.taken.clear()
        return first


def guess_delimiter(line: str) -> str:
    """Return the delimiter that the header *line* uses; a comma when it has one column."""
    return max(DELIMITERS, key=line.count)


class DelimitedReader:
    """Rows of a delimited file whose first line names its columns."""

    def __init__(
        self, file: BinaryIO, *, delimiter: str | None, chosen: Mapping[str, str] | None
    ) -> None:
        csv.field_size_limit(LINE_LIMIT)
        self._lines = _Lines(file)
        header_line = next(self._lines, None)
        if header_line is None:
            raise UnreadableArchiveError("the file is empty")
        self._delimiter = delimiter or guess_delimiter(header_line)
        try:
            header = next(csv.reader([header_line], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            raise UnreadableArchiveError(f"line 1 is no header: {error}") from error
        self._lines.taken.clear()
        self._header = [name.strip().lstrip("\ufeff") for name in header]
        self.columns = Columns.resolve(self._header, chosen)

    def __iter__(self) -> Iterator[Record]:
        names, fields = self.columns.names, self.columns.fields
        places = [self._header.index(names[f]) if f in names else -1 for f in fields]
        width = len(self._header)
        for number, row in self._rows():
            yield from self._lines.rejects
            self._lines.rejects.clear()
            if not row:
                continue
            if len(row) != width:
                yield Reject(number, f"there are {len(row)} columns where the header has {width}")
                continue
            values = [row[place] if place >= 0 else None for place in places]
            yield from self.columns.records(number, values)
        yield from self._lines.rejects

    def _rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        source = self._lines
        reader = csv.reader(source, delimiter=self._delimiter, strict=True)
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # A new reader: this one is stuck inside the quote.
                reader = csv.reader(source, delimiter=self._delimiter, strict=True)
                number, line = source.step_back()
                bare = line.rstrip("\r\n").split(self._delimiter)
                if len(bare) == len(self._header):
                    yield number, bare
                else:
                    source.rejects.append(Reject(number, f"it cannot be split: {error}"))
                    yield number, ()
            else:
                number = source.taken[0][0]
                source.taken.clear()
                yield number, row
