"""The tables of a source: what each file is, which tables lie in it, and their rows."""

import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import BinaryIO, cast

from db.errors import NotInstalledError
from worker.archives.load_job import Format
from worker.archives.readers.containers.streams import SAMPLE, as_utf8, detect_encoding, seekable
from worker.archives.readers.documents import (
    faq,
    json_lists,
    json_rows,
    mail,
    stackexchange,
    xml_rows,
)
from worker.archives.readers.records import Row, UnreadableArchiveError
from worker.archives.readers.sources import Entry, Source
from worker.archives.readers.tabular import dialect as dialects
from worker.archives.readers.tabular import drawn_sheets, sheets, sqldump
from worker.archives.readers.tabular.delimited import DelimitedRows

_PARQUET = b"PAR1"
_LOOK = 8 << 20
"""Characters of a JSON document that are looked at to find its tables."""
_LINES, _SEVERAL = 2_000, 2
_XML_NAMES = re.compile(r"<(\w+)>\s*<row\s", re.IGNORECASE)
_POSTS = ("Id", "PostTypeId", "Title", "Body", "Tags", "CreationDate", "DeletionDate")

Rows = Callable[[Collection[str]], Iterator[Row]]


@dataclass(slots=True)
class Table:
    """One table of a source; several files with the same columns may be one."""

    name: str
    columns: list[str]
    form: Format
    encoding: str
    parts: list[Rows] = field(default_factory=list)
    """Each yields rows with at least the columns that are asked for."""
    path: json_rows.Path | None = None
    """Where its objects lie, in JSON."""
    is_single: bool = False
    """Whether it is one object, and no list of them."""

    def rows(self, columns: Collection[str] = ()) -> Iterator[Row]:
        """Yield the rows of every part."""
        for part in self.parts:
            yield from part(columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What who imports says of the form of the files."""

    form: Format | None = None
    encoding: str | None = None
    columns: Sequence[str] = ()
    """Names of the columns of a file without a header."""


def tables_of(source: Source, hints: Hints) -> list[Table]:
    """Return every table of *source*; raises `UnreadableArchiveError` if no file can be read."""
    found: dict[tuple[str, tuple[str, ...]], Table] = {}
    errors = []
    for entry in source.entries:
        try:
            for table in _tables(entry, hints):
                key = (table.name, tuple(table.columns))
                if key in found:
                    found[key].parts += table.parts
                else:
                    found[key] = table
        except UnreadableArchiveError as error:
            errors.append(f"{entry.name}: {error}" if len(source.entries) > 1 else str(error))
    if not found:
        raise UnreadableArchiveError(errors[0] if errors else "there is no file to read")
    return list(found.values())


def _tables(entry: Entry, hints: Hints) -> Iterator[Table]:
    with entry.open() as stream:
        head = cast("io.BufferedReader", stream).peek(SAMPLE)[:SAMPLE]
    if head.startswith(_PARQUET) or hints.form is Format.PARQUET:
        yield from _parquet(entry)
        return
    if head.startswith((sheets.ZIP, sheets.OLE)):
        yield from _sheets(entry)
        return
    if not head.strip(b"\0"):
        raise UnreadableArchiveError("the file is empty" if not head else "this is not text")
    encoding = hints.encoding or detect_encoding(head)
    opened = partial(_text, entry, encoding)
    with opened() as stream:
        text = cast("io.BufferedReader", stream).peek(SAMPLE)[:SAMPLE]
    sample = text.decode("utf-8", "replace").lstrip("\ufeff \t\r\n\x1e")
    form = hints.form or guess(sample, entry)
    yield from _MAKERS[form](entry, opened, hints, partial(Table, form=form, encoding=encoding))


def _text(entry: Entry, encoding: str) -> BinaryIO:
    return as_utf8(entry.open(), encoding)


def guess(head: str, entry: Entry) -> Format:
    """Return the format of a text that begins with *head*; `UnreadableArchiveError` for none."""
    if not head:
        raise UnreadableArchiveError("the file is empty")
    suffix = entry.suffix
    if head.startswith("<"):
        return _marked_up(head, entry)
    if re.match(r"\{|\[\s*(?:[{\[\]\"]|$)", head):
        is_lines = head[0] == "{" and (suffix in {".jsonl", ".ndjson"} or _is_lines(head))
        return Format.JSONL if is_lines else Format.JSON
    if suffix == ".sql" or sqldump.is_dump(head):
        return Format.SQL
    if suffix in {".mbox", ".eml"} or mail.is_mail(head):
        return Format.MAIL
    return _of_lines(head, entry)


def _of_lines(head: str, entry: Entry) -> Format:
    """Return the format of a text of lines: a list of questions, or a delimited file."""
    suffix = entry.suffix
    if dialects.is_drawn(head.splitlines()[:3]) and not faq.is_list(head, entry.name):
        return Format.CSV
    if suffix in {".md", ".markdown", ".html", ".htm", ".rst"} or faq.is_list(head, entry.name):
        return Format.FAQ
    first = head.partition("\n")[0]
    is_tabbed = first.count("\t") > max(first.count(mark) for mark in ",;|")
    return Format.TSV if suffix in {".tsv", ".tab"} or is_tabbed else Format.CSV


def _marked_up(head: str, entry: Entry) -> Format:
    if drawn_sheets.is_sheet(head):
        return Format.SHEET
    if re.search(r"<posts|<row\s", head, re.IGNORECASE) or entry.stem.startswith("Posts"):
        return Format.STACKEXCHANGE
    if faq.is_list(head, entry.name):
        return Format.FAQ
    if re.match(
        r"(?:<!--.*?-->\s*)?<(?:!doctype html|html|table|head|body)\b", head, re.IGNORECASE
    ):
        raise UnreadableArchiveError("this is a page of HTML, and no question was found in it")
    return Format.XML


def _is_lines(head: str) -> bool:
    first, _, others = head.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        if others.strip():
            return first.rstrip().endswith("}") and others.lstrip(" \r\n\x1e").startswith("{")
        return False
    return bool(others.strip())


_Opened = Callable[[], BinaryIO]
_Make = Callable[..., Table]


def _delimited(entry: Entry, opened: _Opened, hints: Hints, make: _Make) -> Iterator[Table]:
    form = hints.form
    delimiter = "\t" if form is Format.TSV or entry.suffix in {".tsv", ".tab"} else None

    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from DelimitedRows(file, delimiter=delimiter, columns=hints.columns).rows()

    with opened() as file:
        header = DelimitedRows(file, delimiter=delimiter, columns=hints.columns).header
    yield make(name=entry.stem, columns=header, parts=[rows])


def _json(entry: Entry, opened: _Opened, hints: Hints, make: _Make) -> Iterator[Table]:
    with opened() as file:
        found = json_rows.look(file, _LOOK)
    if json_lists.is_by_columns(found):
        yield make(
            name=entry.stem,
            columns=list(found.columns[()]),
            parts=[partial(_opened_rows, opened, json_lists.rows_by_columns)],
        )
    elif listed := json_lists.list_table(opened, found, hints.columns):
        rows = partial(json_lists.list_rows, path=listed[0], columns=listed[1])
        parts = [partial(_opened_rows, opened, rows)]
        yield make(name=".".join(listed[0]) or entry.stem, columns=listed[1], parts=parts)
    else:
        yield from _json_tables(entry, opened, found, make)


def _opened_rows(
    opened: _Opened, read: Callable[[BinaryIO], Iterator[Row]], _: Collection[str]
) -> Iterator[Row]:
    with opened() as file:
        yield from read(file)


def _json_tables(
    entry: Entry, opened: _Opened, found: json_rows.Found, make: _Make
) -> Iterator[Table]:
    def rows(path: json_rows.Path, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from json_rows.objects(file, path)

    tables = found.tables()
    if not tables:
        raise UnreadableArchiveError("no JSON object was found")
    for path, columns in tables.items():
        name = ".".join(path) or entry.stem
        if _is_hit(tables.get(path[:-1], ()), path):
            columns = [*columns, "_id"]  # noqa: PLW2901  # what was found beside
            yield make(name=name, columns=columns, parts=[partial(_hits, rows, path)], path=path)
        else:
            is_single = found.counts.get(path, 0) < _SEVERAL and found.is_single(path)
            yield make(
                name=name,
                columns=columns,
                parts=[partial(rows, path)],
                path=path,
                is_single=is_single,
            )


def _is_hit(around: Collection[str], path: json_rows.Path) -> bool:
    """Return whether at *path* lies the document of a hit, as Elasticsearch writes its own."""
    return path[-1:] == ("_source",) and "_id" in around


def _hits(
    rows: Callable[[json_rows.Path, Collection[str]], Iterator[Row]],
    path: json_rows.Path,
    columns: Collection[str],
) -> Iterator[Row]:
    for row in rows(path[:-1], columns):
        if isinstance(row.values, str) or not isinstance(row.values.get("_source"), dict):
            yield Row(row.line, row.values if isinstance(row.values, str) else "it has no _source")
        else:
            yield Row(row.line, {"_id": row.values.get("_id"), **row.values["_source"]})


def _json_lines(entry: Entry, opened: _Opened, _: Hints, make: _Make) -> Iterator[Table]:
    found, fault = json_rows.Found(), None
    with opened() as file:
        chars = 0
        for count, (number, value, length) in enumerate(json_rows.json_lines(file)):
            chars += length
            if isinstance(value, str):
                fault = fault or f": line {number}, {value}"
            else:
                found.see(value)
            if count >= _LINES or chars > _LOOK:
                break
    if not found.columns:
        raise UnreadableArchiveError(f"no JSON object was found{fault or ''}")

    def lines(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from (Row(row.number, row.value) for row in json_rows.json_lines(file))

    for table in _json_tables(entry, opened, found, make):
        if not table.path:
            table.parts = [lines]
        yield table


def _parquet(entry: Entry) -> Iterator[Table]:
    # Imported here, because Arrow needs memory and the other commands do not use it.
    if find_spec("pyarrow") is None:
        raise NotInstalledError("reading Parquet", needs="pyarrow", extra="parquet")
    from worker.archives.readers.tabular.parquet import ParquetRows  # noqa: PLC0415

    def rows(columns: Collection[str]) -> Iterator[Row]:
        reader = ParquetRows(seekable(entry.open()))
        yield from reader.rows(columns or reader.header)

    header = ParquetRows(seekable(entry.open())).header
    yield Table(entry.stem, header, Format.PARQUET, "utf-8", [rows])


def _sheets(entry: Entry) -> Iterator[Table]:
    def rows(name: str, _: Collection[str]) -> Iterator[Row]:
        with entry.open() as file:
            yield from sheets.Workbook(seekable(file)).rows(name)

    with entry.open() as file:
        book = sheets.Workbook(seekable(file))
        for name in book.names:
            if header := [column for column in book.header(name) if column]:
                yield Table(name, header, Format.SHEET, "utf-8", [partial(rows, name)])


def _drawn_sheets(_: Entry, opened: _Opened, _hints: Hints, make: _Make) -> Iterator[Table]:
    def rows(name: str, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from drawn_sheets.rows(file, name)

    with opened() as file:
        found = drawn_sheets.look(file)
    if not found:
        raise UnreadableArchiveError("no table was found in this sheet")
    for name, columns in found.items():
        yield make(name=name, columns=columns, parts=[partial(rows, name)])


def _sql(_: Entry, opened: _Opened, _hints: Hints, make: _Make) -> Iterator[Table]:
    columns = sqldump.SqlDump(opened).look()
    if not columns:
        raise UnreadableArchiveError("this dump has no rows of any table")

    def rows(table: str, _: Collection[str]) -> Iterator[Row]:
        yield from sqldump.SqlDump(opened).rows(table)

    for name, names in columns.items():
        yield make(name=name, columns=names, parts=[partial(rows, name)])


def _xml(entry: Entry, opened: _Opened, _: Hints, make: _Make) -> Iterator[Table]:
    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from stackexchange.rows(file)

    with opened() as file:
        head = cast("io.BufferedReader", file).peek(SAMPLE)[:SAMPLE].decode("utf-8", "replace")
    root = _XML_NAMES.search(head)
    name = entry.stem.rpartition("-")[2]
    is_posts = (root[1].lower() == "posts") if root else name == "Posts"
    names: Collection[str] = dict.fromkeys(re.findall(r'\s(\w+)=["\']', head))
    columns = (
        list(dict.fromkeys((*_POSTS, *names))) if is_posts or "PostTypeId" in names else [*names]
    )
    yield make(name=root[1].lower() if root else name, columns=columns, parts=[rows])


def _any_xml(_: Entry, opened: _Opened, _hints: Hints, make: _Make) -> Iterator[Table]:
    with opened() as file:
        found = xml_rows.look(file)
    if not found:
        raise UnreadableArchiveError("this is XML in which no elements repeat, so it has no rows")

    def rows(path: xml_rows.Path, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from xml_rows.rows(file, path)

    for path, columns in found.items():
        name = xml_rows.table_name(path)
        yield make(name=name, columns=columns, parts=[partial(rows, path)])


def _mail(entry: Entry, _: _Opened, _hints: Hints, make: _Make) -> Iterator[Table]:
    def rows(_: Collection[str]) -> Iterator[Row]:
        with entry.open() as file:  # each mail says its own encoding
            yield from mail.rows(file)

    yield make(name="mail", columns=list(mail.COLUMNS), parts=[rows])


def _faq(entry: Entry, opened: _Opened, _: Hints, make: _Make) -> Iterator[Table]:
    with opened() as file:
        is_html = (
            cast("io.BufferedReader", file).peek(SAMPLE).lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<"
        )

    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from faq.rows(file, is_html=is_html)

    if next(rows(()), None) is None:
        raise UnreadableArchiveError(f"no question was found in {entry.name or 'this text'}")
    yield make(name="faq", columns=list(faq.COLUMNS), parts=[rows])


_MAKERS = {
    Format.CSV: _delimited,
    Format.TSV: _delimited,
    Format.JSON: _json,
    Format.JSONL: _json_lines,
    Format.SQL: _sql,
    Format.STACKEXCHANGE: _xml,
    Format.XML: _any_xml,
    Format.MAIL: _mail,
    Format.FAQ: _faq,
    Format.SHEET: _drawn_sheets,
}
