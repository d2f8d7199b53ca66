"""Finds the columns of a drawn table, by the line below their names or by their content."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from worker.archives.readers.meaning.columns import Columns, names_questions
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.tabular.drawn_signs import BARS, as_ascii, is_foot, is_rule, places

_BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")
_FIRST, _LOOKED, _SAMPLED = 3, 400, 200
"""A table in the first lines need not name questions; most lines to search; most to compare."""
_NAMES = re.compile(r"\S+(?: \S+)*")
_WITH_NAMES = re.compile("[\u250c\u256d\u252c\u2510\u256e]")

Kind = Literal["box", "bars", "columns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The layout of one drawn table."""

    kind: Kind
    """``box`` has bars at known columns of the screen, ``bars`` anywhere, ``columns`` only spaces.
    """
    columns: Sequence[str]
    edges: Sequence[int] = ()
    """Positions on the screen: of the bars, or of the begin of each column; -1 for no bar."""
    width: int = 0
    first_line: int
    """The first line to read, from 1: that of the names, or of the first row."""
    is_grid: bool = False
    """Whether a line is drawn below each row."""
    is_shortened: bool = False
    """Whether its program cuts texts and leaves out rows."""

    @property
    def key(self) -> int | None:
        """Return the place of the column of ids; None if there is none."""
        try:
            own = Columns.resolve(self.columns).names.get("id")
        except UnreadableArchiveError:
            return None
        return None if own is None else list(self.columns).index(own)

    def cells(self, line: str) -> list[str] | None:
        """Return the cells of a line, with their padding; None if it is not of this table."""
        if self.kind == "bars":
            return between_bars(line, len(self.columns))
        if self.kind == "columns":
            return _at_columns(line, self.edges)
        return self._at_edges(line) or between_bars(as_ascii(line), len(self.columns))

    def _at_edges(self, line: str) -> list[str] | None:
        text, edges = line.rstrip("\r\n"), self.edges
        at = places(text, [edge for edge in edges if edge >= 0])
        if any(place >= len(text) or text[place] not in BARS for place in at):
            return None
        begins = [*([0] if edges[0] < 0 else []), *(place + 1 for place in at)]
        cells = [text[begin : end - 1] for begin, end in pairwise(begins)]
        if edges[-1] < 0:
            is_filled = places(text, [self.width - 1])[0] < len(text)
            cells.append(text[begins[-1] :] + ("" if is_filled else " "))
        return cells


def find(head: str) -> Drawn | None:
    """Return the first table in *head* that names questions, or one that begins at the top."""
    some = head.splitlines()[:_LOOKED]
    drawn = list(map(as_ascii, some))
    for at, line in enumerate(some):
        if not line.strip():
            continue
        table = _table_at(some, drawn, at)
        if table is None or (len(table.columns) == 1 and not _has_rows(drawn[at + 2 :])):
            continue
        asks = any(line.rstrip().endswith("?") for line in some[:at])
        is_certain = names_questions(table.columns) and not asks
        if is_certain or (at < _FIRST and len(table.columns) > 1):
            return table
    return _by_spaces(some)


def _has_rows(below: Sequence[str]) -> bool:
    """Return whether a row follows at once; after a heading of a text comes an empty line."""
    return bool(next((line for line in below if not is_rule(line)), ""))


def _table_at(some: Sequence[str], drawn: Sequence[str], at: int) -> Drawn | None:
    """Return the table whose names of columns, or the rule above them, are at line *at*."""
    line, below = drawn[at], drawn[at + 1] if at + 1 < len(drawn) else ""
    if is_rule(line):
        return _boxed(some, drawn, at)
    if some[at].lstrip()[:1] in {"\u250c", "\u256d"}:
        return _named_in_rule(some[at], at)
    if not is_rule(below):
        return None
    if "|" in below:
        return _made("bars", line, (), at, len(below))
    if "+" in below:
        edges = [-1, *(place for place, sign in enumerate(below) if sign == "+"), -1]
        return _made("box", some[at], edges, at, len(below)) if "|" in line else None
    return _made("columns", some[at], _groups(below), at, len(below))


def _groups(rule: str) -> list[int]:
    return [found.start() for found in re.finditer(r"[-=]+", rule)]


def _boxed(some: Sequence[str], drawn: Sequence[str], at: int) -> Drawn | None:
    """Return the table whose names are between the rule at *at* and another rule."""
    rule, some_below = drawn[at], range(at + 1, min(at + 8, len(drawn)))
    begin = rule.lstrip()[:1]
    is_below = (n for n in some_below if is_rule(drawn[n]) and drawn[n].lstrip()[:1] == begin)
    below = next(is_below, at + 1)
    if below == at + 1 or not drawn[at + 1]:
        return None
    if begin == "+":
        edges = [place for place, sign in enumerate(rule) if sign == "+"]
        table = _made("box", some[at + 1], edges, at + 1, len(rule))
    elif begin == "=" and drawn[below] == rule:
        table = _made("columns", some[at + 1], _groups(rule), at + 1, len(rule))
    else:
        return None
    is_grid = "+=" in drawn[below] and some[at].isascii()
    return table and replace(
        table,
        first_line=below + 2,
        is_grid=table.kind == "box" and (is_grid or _has_inner_rules(drawn[below + 1 :])),
        is_shortened=below > at + 2 and not some[at].isascii(),
    )


def _has_inner_rules(drawn: Sequence[str]) -> bool:
    """Return whether a rule is drawn between the rows of a table."""
    for line, below in pairwise(drawn):
        if not line or is_rule(line):
            return "|" in below and not is_rule(below) and not is_foot(below)
    return False


def _made(kind: Kind, header: str, edges: Sequence[int], at: int, width: int) -> Drawn | None:
    count = [""] * len(_split_bars(header)) if kind == "bars" else []
    table = Drawn(kind=kind, columns=count, edges=edges, first_line=at + 1, width=width)
    names = [name.strip() for name in table.cells(header) or ()]
    return replace(table, columns=names) if names and all(names) else None


def _named_in_rule(line: str, at: int) -> Drawn | None:
    """Return the table with names inside its top rule, as ClickHouse draws it."""
    names = [part.strip("\u2500\u2501 ") for part in _WITH_NAMES.split(line.strip())][1:-1]
    found = _WITH_NAMES.finditer(line)
    edges = places(line, []) or [one.start() for one in found]
    if not names or not all(names):
        return None
    return Drawn(kind="box", columns=names, edges=edges, first_line=at + 1, width=len(line))


def _by_spaces(some: Sequence[str]) -> Drawn | None:
    """Return the table whose first line names questions, with only spaces between columns."""
    at = next((at for at, line in enumerate(some) if line.strip()), 0)
    header = some[at].rstrip() if some else ""
    names = list(_NAMES.finditer(header))
    if len(names) < 2 or not header.isascii() or "\t" in header:  # noqa: PLR2004  # one is no table
        return None
    below = [line.rstrip() for line in some[at + 1 : at + _SAMPLED]]
    rows = below[: below.index("")] if "" in below else below
    if not rows or not names_questions([name[0] for name in names]):
        return None
    gaps = list(_gaps([header, *rows]))
    begins, is_indexed = [0], any(line[: names[0].start()].strip() for line in rows)
    spans = [(0, names[0].start())] if is_indexed else []
    spans += [(left.end(), right.start()) for left, right in pairwise(names)]
    for begin, end in spans:
        within = [gap for gap in gaps if begin <= gap < end]
        if len(within) != 1 and not (within and is_indexed):  # pandas aligns all to the right
            return None
        begins.append(within[0] + 1)
    return Drawn(
        kind="columns",
        columns=[name[0] for name in names],
        edges=begins[is_indexed:],
        first_line=at + 1,
        is_shortened=is_indexed,
    )


def _gaps(rows: Sequence[str]) -> Iterator[int]:
    """Yield where columns of spaces through all *rows* begin."""
    width = max(map(len, rows))
    taken = [False] * (width + 1)
    for row in rows:
        for found in re.finditer(r"\S+", row):
            taken[found.start() : found.end()] = [True] * len(found[0])
    for at in range(width):
        if not taken[at] and (not at or taken[at - 1]):
            yield at


def _split_bars(line: str) -> list[str]:
    """Return the texts between bars, without bars at both ends."""
    bare = line.strip()
    parts, begin = [], 0
    for found in _BAR.finditer(bare):
        parts.append(bare[begin : found.end() - 1])
        begin = found.end()
    parts.append(bare[begin:])
    if bare.startswith("|"):
        parts = parts[1:]
    if bare.endswith("|") and parts and not parts[-1]:
        parts = parts[:-1]
    return [part.replace("\\|", "|") for part in parts]


def between_bars(line: str, width: int) -> list[str] | None:
    """Return the cells of a line between bars; None if they are not *width* cells."""
    parts = _split_bars(line) if "|" in line else []
    return parts if len(parts) == width else None


def _at_columns(line: str, begins: Sequence[int]) -> list[str] | None:
    """Return the texts at positions of the screen; None if one has no space before it."""
    text = line.rstrip()
    for at in (places(text, begins), list(begins)):
        if all(place > len(text) or text[place - 1].isspace() for place in at[1:]):
            return [text[begin:end] for begin, end in pairwise([*at, max(len(text), at[-1])])]
    return None
