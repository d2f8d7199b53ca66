"""Reads tables printed for people: by database clients, in Markdown and reStructuredText.

A line below the names of the columns shows where each column begins. If there is no such line, bars
between the cells show it; a bar inside a text has a backslash before it. A text may continue in the
lines below its first line.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from worker.archives.readers.containers.streams import TOO_LONG
from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row
from worker.archives.readers.tabular.drawn_layout import Drawn, between_bars
from worker.archives.readers.tabular.drawn_signs import as_ascii, is_foot, is_prompt, is_rule

_HELD_LINES = 500
_MARKS = ("+", "\u21b5")
"""psql writes these if a text continues in the line below."""
_CUT = ("\u2026", "...")
_OMITTED = frozenset({"\u00b7", "\u2026", "...", ".."})
_NO_FIT = "its columns are not where those of the header are"
_BEYOND = "it stands behind the end of the table"

_Lines = Iterable[tuple[int, str | None]]


@dataclass(slots=True)
class _Held:
    """The lines of one row."""

    number: int
    cells: list[list[str]]
    chars: int = 0
    goes_on: bool = False

    @classmethod
    def of(cls, number: int, cells: Sequence[str], *, is_marked: bool) -> Self:
        held = cls(number, [[] for _ in cells])
        held.add(cells, is_marked=is_marked)
        return held

    def add(self, cells: Sequence[str], *, is_marked: bool) -> None:
        """Add the next line; with *is_marked* a sign at the edge shows that a text continues."""
        self.chars += sum(map(len, cells))
        self.goes_on = False
        for texts, cell in zip(self.cells, cells, strict=True):
            goes_on = is_marked and cell.endswith(_MARKS)
            self.goes_on = self.goes_on or goes_on
            text = (cell[:-1] if goes_on else cell).strip()
            if text and self.chars <= RECORD_LIMIT:
                texts.append(text)

    def row(self, table: Drawn) -> Row:
        """Return the row of these lines."""
        if self.chars > RECORD_LIMIT:
            return Row(self.number, RECORD_TOO_LONG)
        texts = ["\n".join(parts) for parts in self.cells]
        if table.is_shortened and all(text in _OMITTED for text in texts):
            return Row(self.number, "rows were left out where this table was drawn")
        if table.is_shortened and any(text.endswith(_CUT) for text in texts):
            return Row(self.number, "a text was cut where this table was drawn")
        return Row(self.number, dict(zip(table.columns, texts, strict=True)))


@dataclass(slots=True)
class _Rows:
    """Puts lines together into rows."""

    table: Drawn
    key: int | None
    may_hold: bool = True
    """Whether a row may be joined from lines that a line end inside a text has broken."""
    is_over: bool = False
    held: _Held | None = None
    broken: list[tuple[int, str]] = field(default_factory=list)

    def read(self, lines: _Lines) -> Iterator[Row]:
        for number, line in lines:
            if number < self.table.first_line:
                continue
            if line is None:
                yield Row(number, TOO_LONG)
            elif self.broken:
                yield from self._go_on(number, line)
            else:
                yield from self._line(number, line)
        yield from self._end()
        yield from self._give_up()

    def _end(self) -> Iterator[Row]:
        if self.held is not None:
            yield self.held.row(self.table)
        self.held = None

    def _line(self, number: int, line: str) -> Iterator[Row]:
        drawn = as_ascii(line)
        if is_rule(drawn):
            if self.table.is_grid:
                yield from self._end()
        elif not drawn or is_foot(drawn):
            yield from self._end()
            self.is_over = True
        elif self._is_header(cells := self.table.cells(line)):
            self.is_over = False
        elif self.is_over:
            if not is_prompt(drawn) and not drawn.startswith("+"):
                yield Row(number, _BEYOND)
        elif cells is None:
            yield from self._end()
            yield from self._no_cells(number, line, drawn)
        else:
            yield from self._cells(number, cells)

    def _is_header(self, cells: Sequence[str] | None) -> bool:
        return cells is not None and [one.strip() for one in cells] == list(self.table.columns)

    def _cells(self, number: int, cells: Sequence[str]) -> Iterator[Row]:
        kind = self.table.kind
        if self.held is not None and self._is_below(cells):
            self.held.add(cells, is_marked=kind == "box")
            return
        yield from self._end()
        self.held = _Held.of(number, cells, is_marked=kind == "box")

    def _is_below(self, cells: Sequence[str]) -> bool:
        """Return whether a line continues the row above, because it has no id of its own."""
        if self.table.is_grid or (self.held is not None and self.held.goes_on):
            return True
        has_no_id = self.key is not None and not cells[self.key].strip()
        return has_no_id and self.table.kind != "bars"

    def _no_cells(self, number: int, line: str, drawn: str) -> Iterator[Row]:
        is_broken = drawn.startswith("|") and not drawn.endswith("|")
        if self.may_hold and self.table.kind == "box" and is_broken:
            self.broken.append((number, line))
        elif not is_prompt(drawn) and (self.table.first_line < number or not drawn.startswith("+")):
            yield Row(number, _NO_FIT)

    def _go_on(self, number: int, line: str) -> Iterator[Row]:
        """Add a line to a row whose text contains line ends, as MySQL prints it."""
        self.broken.append((number, line))
        drawn = as_ascii(line)
        if drawn.endswith("|") and not is_rule(drawn):
            whole = "".join(text for _, text in self.broken)
            cells = between_bars(as_ascii(whole), len(self.table.columns))
            if cells is not None:
                yield _Held.of(self.broken[0][0], cells, is_marked=False).row(self.table)
                self.broken.clear()
        elif is_rule(drawn) or len(self.broken) > _HELD_LINES:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Row]:
        lost, self.broken = self.broken, []
        if lost:
            yield Row(lost[0][0], _NO_FIT)
            yield from _Rows(self.table, self.key, may_hold=False).read(lost[1:])


def rows(lines: _Lines, table: Drawn) -> Iterator[Row]:
    """Yield the rows of *table* in the numbered *lines* of its text."""
    yield from _Rows(table, table.key).read(lines)
