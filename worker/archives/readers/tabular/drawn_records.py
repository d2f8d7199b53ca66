"""Reads records with a line for each column, as psql, MySQL and SQLite print wide tables."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from worker.archives.readers.containers.streams import TOO_LONG
from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row
from worker.archives.readers.tabular.drawn_signs import as_ascii, is_foot, is_prompt

_BEGIN = re.compile(
    r"[-+*]*\[ RECORD \d+ \][-+]*|\*{3,} \d+\. row \*{3,}|\* Record \d+", re.IGNORECASE
)
"""The line above a record, in ASCII."""
_FIELD = re.compile(r"\|? ?\s*[\w. ]{1,60}?\s*(?P<sign>[|:=])(?= |$)")
_LOOKED, _FEWEST = 2_000, 2

_Lines = Iterable[tuple[int, str | None]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of the records of a file."""

    at: int
    """Position of the sign after the name of a column."""
    sign: str
    has_begins: bool
    """Whether a mark is above each record; otherwise an empty line is between records."""
    columns: Sequence[str]


def find(head: str) -> Layout | None:
    """Return the layout of the records at the beginning of *head*; None if it has none."""
    some = head.splitlines()[:_LOOKED]
    drawn = [as_ascii(line) for line in some]
    begin = next((at for at, line in enumerate(drawn[:30]) if _BEGIN.fullmatch(line)), None)
    first = begin + 1 if begin is not None else next((n for n, one in enumerate(drawn) if one), 0)
    found = _FIELD.match(drawn[first]) if first < len(drawn) else None
    if found is None or (begin is None and found["sign"] != "="):
        return None
    layout = Layout(found.start("sign"), found["sign"], begin is not None, ())
    names: dict[str, None] = {}
    some_rows = rows(enumerate(some, start=1), layout)
    for row in islice(some_rows, 50):
        names.update({} if isinstance(row.values, str) else dict.fromkeys(row.values))
    layout = Layout(layout.at, layout.sign, layout.has_begins, list(names))
    is_certain = layout.has_begins or (len(names) >= _FEWEST and names_questions(layout.columns))
    return layout if is_certain else None


@dataclass(slots=True)
class _Record:
    number: int
    values: dict[str, list[str]] = field(default_factory=dict)
    chars: int = 0
    last: str = ""

    def add(self, name: str, value: str) -> None:
        self.chars += len(value) + 1
        self.last = name or self.last
        if self.chars <= RECORD_LIMIT:
            texts = self.values.setdefault(self.last, [])
            if not name and texts:
                texts[-1] = texts[-1].removesuffix("+").removesuffix("\u21b5").rstrip()
            texts.append(value)

    def row(self) -> Row:
        if self.chars > RECORD_LIMIT:
            return Row(self.number, RECORD_TOO_LONG)
        return Row(self.number, {name: "\n".join(some) for name, some in self.values.items()})


def rows(lines: _Lines, layout: Layout) -> Iterator[Row]:
    """Yield the records in the numbered *lines* of a text."""
    held: _Record | None = None
    for number, line in lines:
        drawn = None if line is None else as_ascii(line)
        is_begin = drawn is not None and _is_begin(drawn, layout)
        if drawn is None or line is None:
            yield Row(number, TOO_LONG)
        elif is_begin or (is_foot(drawn) and layout.has_begins) or is_prompt(drawn):
            if held is not None and held.values:
                yield held.row()
            held = _Record(number) if is_begin else None
        elif held is not None or (not layout.has_begins and drawn):
            held = held or _Record(number)
            _take(held, line.rstrip("\r\n"), drawn, layout)
    if held is not None and held.values:
        yield held.row()


def _is_begin(drawn: str, layout: Layout) -> bool:
    return _BEGIN.fullmatch(drawn) is not None if layout.has_begins else not drawn


def _take(held: _Record, line: str, drawn: str, layout: Layout) -> None:
    """Add a line to a record: a column, or more of the value before."""
    name = drawn[: layout.at].strip("| ")
    goes_on = not name and layout.sign == "|"  # psql repeats the sign alone
    is_known = goes_on or not layout.columns or name in layout.columns
    if drawn[layout.at : layout.at + 1] == layout.sign and is_known:
        value = line[layout.at + 1 :].strip()
        if drawn.startswith("|"):
            value = value[:-1].rstrip()
        held.add(name, value)
    elif held.values and layout.sign != "|":
        held.add("", line)
