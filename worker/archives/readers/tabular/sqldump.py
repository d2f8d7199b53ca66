"""Reads SQL dumps: ``mysqldump``, ``mariadb-dump``, ``pg_dump``, ``sqlite3 .dump``.

A dump is read as a stream: the values of ``INSERT`` and the lines of ``COPY`` of the wanted tables.
Everything else is skipped without parsing. The work is linear in the bytes.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from db.wording import counted
from worker.archives.readers.containers.window import CHUNK, Window
from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    Row,
    UnreadableArchiveError,
)
from worker.archives.readers.tabular.dialect import split_escaped
from worker.archives.readers.tabular.sqlbatches import by_semicolons
from worker.archives.readers.tabular.sqlchanges import Change, Changes, parse
from worker.archives.readers.tabular.sqlvalues import FORM, value_of

_HEAD, _LONGEST_HEAD = 4_096, 1 << 16
_NAME = r'(?:[`"\[]?[\w$-]+[`"\]]?\s*\.\s*)?[`"\[]?[\w$-]+[`"\]]?'
_STATEMENT = re.compile(
    rf"\s*(?:(?P<create>CREATE\s+(?:TEMPORARY\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?)"
    rf"|(?P<insert>(?:INSERT|REPLACE)\s+(?:IGNORE\s+|OR\s+\w+\s+)?(?:INTO\s+)?)"
    r"|(?P<change>(?:DELETE\s+(?:[\w`.,*]+\s+){0,5}?FROM|UPDATE(?:\s+(?:LOW_PRIORITY|IGNORE|OR\s+\w+))*"
    r"|TRUNCATE(?:\s+TABLE)?|DROP\s+TABLE(?:\s+IF\s+EXISTS)?)\s+(?:ONLY\s+)?)"
    rf"|(?P<copy>COPY\s+))(?P<table>{_NAME})",
    re.IGNORECASE,
)
_COLUMNS = re.compile(r"\s*\(((?:[^()'\"`]|`[^`]*`|\"[^\"]*\")*)\)")
_VALUES = re.compile(r"\s*(?:OVERRIDING\s+\w+\s+VALUE\s*)?VALUES?\s*", re.IGNORECASE)
_FROM_STDIN = re.compile(r"\s*FROM\s+stdin[^;]*;[^\n]*\n", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(?:--[^\n]*\n|#[^\n]*\n|/\*(?!!).*?\*/;?)", re.DOTALL)
_CHANGED = (
    "this statement changes rows above, and is not carried out: run the script in a database, and"
    " import the dump of it"
)
_ROUTINE = re.compile(
    r"\s*(?:/\*!\d+\s*)?CREATE\b[^;()]{0,300}?\b(?:TRIGGER|PROCEDURE|FUNCTION|EVENT)\b[^;$]*?\bBEGIN\b",
    re.IGNORECASE,
)
_END_OF_ROUTINE = re.compile(r"\s*END\b(?!\s+(?:IF|LOOP|CASE|WHILE|REPEAT)\b)", re.IGNORECASE)
_KEYWORDS = frozenset(
    {"primary", "key", "unique", "constraint", "index", "fulltext", "spatial", "check", "foreign",
     "exclude", "like", "period"}
)  # fmt: skip
_PLAIN = re.compile(r"[^'\"`;$]*+")
_IN_STRING = {
    (mark, escapes): re.compile(
        rf"(?:[^{mark}\\]++|\\.)*+" if escapes else rf"[^{mark}]*+", re.DOTALL
    )
    for mark in "'\"`"
    for escapes in (True, False)
}
_DOLLAR = re.compile(r"\$\w{0,60}\$")


def is_dump(head: str) -> bool:
    """Return whether a text that begins with *head* is a dump of a database."""
    begin = head.lstrip("\ufeff \t\r\n")
    if re.match(r"--\s*(?:MySQL|MariaDB|PostgreSQL database|phpMyAdmin|Host:|Adminer|Dump)", begin):
        return True
    found = re.search(
        rf"^\s*(?:CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\(|INSERT\s+INTO\s+{_NAME}\s*(?:\(|VALUES)"
        rf"|COPY\s+{_NAME}\s*\([^)]*\)\s+FROM\s+stdin|PRAGMA\s+foreign_keys|SET\s+\w+\s*=|/\*!\d+\s)",
        head[:_HEAD],
        re.IGNORECASE | re.MULTILINE,
    )
    return found is not None


def bare_name(name: str) -> str:
    """Return the name of a table without quotes and schema."""
    return re.sub(r'[`"\[\]\s]', "", name).rpartition(".")[2]


class SqlDump:
    """The tables of a dump; each call reads it again from *opened*.

    *columns* are those of a table for which the dump names none.
    """

    def __init__(self, opened: Callable[[], BinaryIO], columns: Sequence[str] = ()) -> None:
        self._opened, self._given = by_semicolons(opened), list(columns)
        self._changes: dict[str, Changes] | None = None

    def look(self) -> dict[str, list[str]]:
        """Return the columns of the tables that have rows, and keep what changes their rows."""
        filled: dict[str, list[str]] = {}
        self._changes = {}
        for one in self._statements(lambda _: False):
            filled.setdefault(one.table, one.columns)
            if one.change is not None:
                changes = self._changes.setdefault(one.table, Changes(is_mysql=one.is_mysql))
                changes.add(one.place, one.change)
        return filled

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of one table, as the statements behind them change them."""
        if self._changes is None:
            self.look()
        changes = (self._changes or {}).get(table)
        for one in self._statements(lambda name: name == table):
            if one.change is not None and changes is not None and one.place in changes.kept:
                continue
            for row in _by_name(one):
                if changes is None or isinstance(row.values, str):
                    yield row
                elif (values := changes.applied(one.place, dict(row.values))) is not None:
                    yield Row(row.line, values)

    def _statements(self, is_wanted: Callable[[str], bool]) -> Iterator["_Statement"]:
        with self._opened() as file:
            window = Window(file)
            window.more()
            head = window.text[:_HEAD]
            seen, named = dict[str, tuple[str, list[str]]](), dict[str, list[str]]()
            # Only MySQL and MariaDB escape with backslashes.
            is_mysql = "PostgreSQL" not in head and "PRAGMA foreign_keys" not in head
            while found := _next_statement(window, is_mysql=is_mysql):
                table = bare_name(found["table"])
                make = partial(_Statement, place=window.offset, is_mysql=is_mysql)
                window.move(found.end())
                if found["create"]:
                    named[table] = _created(window)
                    _skip_statement(window, is_mysql=is_mysql)
                    continue
                if found["change"]:
                    if (own := seen.get(table.lower())) is not None:
                        change = _change(window, found["change"], own[1], is_mysql=is_mysql)
                        yield make(*own, iter([(window.line, _CHANGED)]), change=change)
                    _skip_statement(window, is_mysql=is_mysql)
                    continue
                columns = _named_columns(window) or named.get(table, self._given)
                seen[table.lower()] = table, columns
                if not found["copy"]:
                    rows = _inserted(window, is_wanted=is_wanted(table), is_mysql=is_mysql)
                elif begin := _FROM_STDIN.match(window.text, window.place):
                    window.move(begin.end())
                    rows = _copied(window, is_wanted=is_wanted(table))
                else:
                    _skip_statement(window, is_mysql=is_mysql)
                    continue
                yield make(table, columns, rows)
                deque(rows, maxlen=0)  # skip rows that the caller did not read


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement about a table that has rows."""

    table: str
    columns: list[str]
    rows: Iterator[tuple[int, Sequence[object] | str]]
    change: Change | None = None
    """What it does to rows above, if that can be carried out."""
    place: int = field(kw_only=True)
    """The characters before it in the dump."""
    is_mysql: bool = field(kw_only=True)


def _by_name(one: _Statement) -> Iterator[Row]:
    """Yield the rows of a statement by the names of their columns."""
    for line, values in one.rows:
        if isinstance(values, str):
            yield Row(line, values)
        elif len(values) != len(one.columns):
            wanted = counted(len(one.columns), "column")
            yield Row(line, f"it has {counted(len(values), 'value')} for {wanted}")
        else:
            yield Row(line, dict(zip(one.columns, values, strict=True)))


def _change(window: Window, verb: str, columns: list[str], *, is_mysql: bool) -> Change | None:
    """Return what the statement here does to rows above; None if it is not plain."""
    change = parse(window.text, window.place, columns, is_mysql=is_mysql)
    is_update = verb.upper().startswith("UPDATE")
    return change if change is not None and is_update == (change.sets is not None) else None


def _next_statement(window: Window, *, is_mysql: bool) -> re.Match[str] | None:
    """Move to the next statement about a table, and return its head; None at the end."""
    while True:
        _fill(window)
        if window.is_used_up:
            return None
        if comment := _COMMENT.match(window.text, window.place):
            window.move(comment.end())
        elif found := _STATEMENT.match(window.text, window.place):
            return found
        elif _ROUTINE.match(window.text, window.place):
            _skip_routine(window, is_mysql=is_mysql)
        else:
            _skip_statement(window, is_mysql=is_mysql)


def _skip_routine(window: Window, *, is_mysql: bool) -> None:
    """Move past a trigger or procedure, whose statements are not part of the dump."""
    while not window.is_used_up and not _END_OF_ROUTINE.match(window.text, window.place):
        _skip_statement(window, is_mysql=is_mysql)
        _fill(window)
    _skip_statement(window, is_mysql=is_mysql)


def _named_columns(window: Window) -> list[str]:
    """Return the names of columns in the brackets here, if there are any, and move past them."""
    named = _COLUMNS.match(window.text, window.place)
    if named is None:
        return []
    window.move(named.end())
    return [bare_name(one) for one in named[1].split(",")]


def _fill(window: Window) -> None:
    """Skip spaces, and read enough text for the head of any statement."""
    window.skip(_SPACE)
    if len(window.text) - window.place < _LONGEST_HEAD:
        window.ahead(CHUNK)


def _skip_statement(window: Window, *, is_mysql: bool) -> None:
    """Move past the next semicolon outside strings."""
    while window.skip(_PLAIN):
        place, mark = window.place, window.text[window.place]
        if mark == "$":
            _skip_dollars(window)
            continue
        window.move(window.place + 1)
        if mark == ";":
            return
        escapes = is_mysql or (mark == "'" and window.text[place - 1 : place] in {"E", "e"})
        body = _IN_STRING[mark, escapes and mark != "`"]
        # Two quotes in a string end it and begin another: the result is the same.
        while window.skip(body) and not window.pass_over(mark):
            if not window.more():  # the file ends after a backslash
                return


def _skip_dollars(window: Window) -> None:
    """Move past a text in PostgreSQL's dollar quotes, or past a dollar that quotes nothing."""
    if len(window.text) - window.place < _HEAD:
        window.ahead(CHUNK)
    found = _DOLLAR.match(window.text, window.place)
    if found is None:
        window.move(window.place + 1)
        return
    tag = found[0]
    window.move(found.end())
    while (end := window.text.find(tag, window.place)) < 0:
        window.move(max(window.place, len(window.text) - len(tag)))
        if not window.more():
            window.move(len(window.text))
            return
    window.move(end + len(tag))


def _created(window: Window) -> list[str]:
    """Return the columns in ``CREATE TABLE``; the window stays before the bracket."""
    begin = window.text.find("(", window.place, window.place + 200)
    if begin < 0:
        return []
    columns = []
    text = window.text[begin + 1 : begin + (1 << 17)]
    for item in _items(text):
        found = re.match(r'\s*[`"\[]?([\w$-]+)[`"\]]?(\s|$)', item)
        if found and (found[1].lower() not in _KEYWORDS or item.lstrip()[0] in '`"['):
            columns.append(found[1])
    return columns


def _items(text: str) -> Iterator[str]:
    """Yield the parts between commas, up to the closing bracket."""
    depth, begin, place = 0, 0, 0
    for found in re.finditer(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|[(),]", text):
        place, mark = found.start(), found[0]
        if mark == "(":
            depth += 1
        elif mark == ")":
            if not depth:
                yield text[begin:place]
                return
            depth -= 1
        elif mark == "," and not depth:
            yield text[begin:place]
            begin = found.end()
        elif mark.startswith("--") and not text[begin:place].strip():
            begin = found.end()


def _copied(window: Window, *, is_wanted: bool) -> Iterator[tuple[int, Sequence[object] | str]]:
    r"""Yield the lines of ``COPY``, up to ``\.``."""
    while not is_wanted:
        if (end := window.text.find("\n\\.", window.place)) >= 0 or window.text.startswith(
            "\\.", window.place
        ):
            window.move(max(end, window.place) + 1)
            window.skip(_LINE)
            return
        window.move(max(window.place, len(window.text) - 3))
        if not window.more():
            raise UnreadableArchiveError(f"line {window.line}: the file ends inside COPY")
    while True:
        end = window.text.find("\n", window.place)
        while end < 0:
            length = len(window.text) - window.place
            if not window.ahead(2 * length + CHUNK):
                raise UnreadableArchiveError(f"line {window.line}: the file ends inside COPY")
            end = window.text.find("\n", window.place + length)
            if length > RECORD_LIMIT and end < 0:
                window.move(window.place + length)
        number, text = window.line, window.text[window.place : end]
        window.move(end + 1)
        if text.rstrip("\r") == "\\.":
            return
        if is_wanted:
            yield number, RECORD_TOO_LONG if len(text) > RECORD_LIMIT else split_escaped(text, "\t")


def _inserted(
    window: Window, *, is_wanted: bool, is_mysql: bool
) -> Iterator[tuple[int, Sequence[object] | str]]:
    """Yield the brackets of values of one ``INSERT``."""
    begin = _VALUES.match(window.text, window.place)
    if begin is None and is_wanted:
        yield window.line, "this INSERT has no list of values, so it is not carried out"
    if begin is None or not is_wanted:
        _skip_statement(window, is_mysql=is_mysql)
        return
    window.move(begin.end())
    form = FORM[is_mysql]
    while True:
        if not _skip_between(window):
            return
        if window.pass_over(";"):
            return
        if _STATEMENT.match(window.text, window.place):  # in SQL Server without a semicolon
            return
        number = window.line
        if not window.text.startswith("(", window.place):
            if _BEHIND.match(window.text, window.place) is None:
                yield number, "it is no list of values: the rest of its statement is skipped"
            _skip_statement(window, is_mysql=is_mysql)
            return
        values = _bracket(window, form, is_mysql=is_mysql)
        yield number, values
        if isinstance(values, str):
            _skip_statement(window, is_mysql=is_mysql)
            return


def _skip_between(window: Window) -> bool:
    """Move past the spaces, commas and comments between brackets; return whether any text is left.

    A comment that is cut by the end of the text is read to its end.
    """
    while window.skip(_BETWEEN):
        while window.text[window.place] in "-#/":
            if comment := _COMMENT.match(window.text, window.place):
                window.move(comment.end())
                break
            if len(window.text) - window.place > RECORD_LIMIT or not window.ahead(
                2 * (len(window.text) - window.place) + CHUNK
            ):
                return True
        else:
            return True
        if window.is_used_up:
            return False
    return False


def _bracket(window: Window, form: re.Pattern[str], *, is_mysql: bool) -> Sequence[object] | str:
    """Return the values of the bracket that begins here, or the reason why they cannot be read."""
    while True:
        values: list[object] = []
        place = window.place + 1
        while found := form.match(window.text, place):
            values.append(value_of(found, is_mysql=is_mysql))
            place = found.end()
            if found["end"] == ")":
                window.move(place)
                return values
        length = len(window.text) - window.place
        if length > RECORD_LIMIT:
            return f"{RECORD_TOO_LONG}, or broken: the rest of its statement is skipped"
        if not window.ahead(2 * length + CHUNK):
            return "the file ends inside this row, or it is no list of values"


_BETWEEN = re.compile(r"[\s,]*+")
_BEHIND = re.compile(r"(?:ON|AS|RETURNING|SELECT|GO)\b", re.IGNORECASE)
"""The beginnings of what may follow the brackets of an ``INSERT``."""
_SPACE, _LINE = re.compile(r"\s*+"), re.compile(r"[^\n]*+")
