"""For each format a function that makes the tables of a file."""

import io
import re
from collections.abc import Collection, Iterator
from functools import partial
from importlib.util import find_spec
from typing import cast

from db.errors import NotInstalledError
from worker.archives.load_job import Format
from worker.archives.readers import nested
from worker.archives.readers.containers.streams import SAMPLE, lines, seekable
from worker.archives.readers.documents import (
    faq,
    feeds,
    mail,
    moodle,
    opml,
    pages,
    stackexchange,
    xml_rows,
)
from worker.archives.readers.meaning.columns import names_questions
from worker.archives.readers.meaning.hiding import is_hiding
from worker.archives.readers.records import Row, Rows, UnreadableArchiveError
from worker.archives.readers.sources import Entry
from worker.archives.readers.table import Hints, Make, Opened, Table
from worker.archives.readers.tabular import (
    drawn_layout,
    drawn_records,
    drawn_sheets,
    drawn_tables,
    sheets,
    sqldump,
    wrapped,
)
from worker.archives.readers.tabular.delimited import DelimitedRows

_XML_NAMES = re.compile(r"<(\w+)>\s*<row\s", re.IGNORECASE)
_POSTS = ("Id", "PostTypeId", "Title", "Body", "Tags", "CreationDate", "DeletionDate")


def _delimited(entry: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    form = hints.form
    delimiter = "\t" if form is Format.TSV or entry.suffix in {".tsv", ".tab"} else None

    def rows(_: Collection[str]) -> Iterator[Rows]:
        with opened() as file:
            yield from DelimitedRows(file, delimiter=delimiter, columns=hints.columns).rows()

    with opened() as file:
        header = DelimitedRows(file, delimiter=delimiter, columns=hints.columns).header
    if not hints.columns and wrapped.is_wrapped(header):
        yield from _delimited(entry, partial(wrapped.opened, opened), hints, make)
        return
    yield make(name=entry.stem, columns=header, parts=[rows])


def parquet(entry: Entry) -> Iterator[Table]:
    """Yield the table of Parquet; raises `NotInstalledError` without pyarrow."""
    # Imported here, because Arrow needs memory and the other commands do not use it.
    if find_spec("pyarrow") is None:
        raise NotInstalledError("reading Parquet", needs="pyarrow", extra="parquet")
    from worker.archives.readers.tabular.parquet import ParquetRows  # noqa: PLC0415

    def rows(columns: Collection[str]) -> Iterator[Rows]:
        reader = ParquetRows(seekable(entry.open()))
        yield from reader.rows(columns or reader.header)

    found = ParquetRows(seekable(entry.open()))
    has_objects = found.has_objects
    yield Table(entry.stem, found.header, Format.PARQUET, "utf-8", [rows], has_objects=has_objects)


def workbook(entry: Entry) -> Iterator[Table]:
    """Yield the visible sheets of a workbook."""

    def rows(name: str, _: Collection[str]) -> Iterator[Row]:
        with entry.open() as file:
            yield from sheets.Workbook(seekable(file)).rows(name)

    with entry.open() as file:
        book = sheets.Workbook(seekable(file))
        for name in book.names:
            if header := [column for column in book.header(name) if column]:
                yield Table(name, header, Format.SHEET, "utf-8", [partial(rows, name)])


def _drawn_sheets(_: Entry, opened: Opened, _hints: Hints, make: Make) -> Iterator[Table]:
    def rows(name: str, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from drawn_sheets.rows(file, name)

    with opened() as file:
        found = drawn_sheets.look(file)
    if not found:
        raise UnreadableArchiveError("no table was found in this sheet")
    for name, columns in found.items():
        yield make(name=name, columns=columns, parts=[partial(rows, name)])


def _sql(_: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    dump = sqldump.SqlDump(opened, hints.columns)
    columns = dump.look()
    if not columns:
        raise UnreadableArchiveError("this dump has no rows of any table")

    def rows(table: str, _: Collection[str]) -> Iterator[Row]:
        yield from dump.rows(table)

    for name, names in columns.items():
        yield make(name=name, columns=names, parts=[partial(rows, name)])


def _xml(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
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


def _head(opened: Opened) -> str:
    with opened() as file:
        head = cast("io.BufferedReader", file).peek(SAMPLE)[:SAMPLE]
    return head.decode("utf-8", "replace").lstrip("\ufeff")


def _drawn(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    head = _head(opened)
    records = drawn_records.find(head)
    table = drawn_layout.find(head) if records is None else None
    if records is not None:
        columns, read = records.columns, partial(drawn_records.rows, layout=records)
    elif table is not None:
        columns, read = table.columns, partial(drawn_tables.rows, table=table)
    else:
        raise UnreadableArchiveError("no table was found in this text")

    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from read(lines(file))

    yield make(name=entry.stem, columns=list(columns), parts=[rows])


def _yaml(entry: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    tables = nested.yaml(entry, opened, make)
    if not any(names_questions(table.columns) for table in tables) and faq.is_list(
        _head(opened), entry.name
    ):
        tables = list(_faq(entry, opened, hints, make))
    if not tables:
        raise UnreadableArchiveError("no records were found in this YAML")
    yield from tables


def _feed(_: Entry, opened: Opened, _hints: Hints, make: Make) -> Iterator[Table]:
    kind = feeds.kind_of(_head(opened)) or "rss"

    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from feeds.rows(file, kind)

    yield make(name="feed", columns=list(feeds.COLUMNS), parts=[rows])


def _outlines(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from opml.rows(file)

    with opened() as file:
        opml.look(file)
    yield make(name=entry.stem, columns=list(opml.COLUMNS), parts=[rows])


def _moodle(entry: Entry, opened: Opened, make: Make, *, is_forum: bool) -> Table:
    def rows(_: Collection[str]) -> Iterator[Row]:
        read = moodle.rows if is_forum else moodle.module_row
        yield from read(opened, entry.name)

    name = "moodle_discussions" if is_forum else "moodle_module"
    columns = moodle.COLUMNS if is_forum else moodle.MODULE_COLUMNS
    return make(name=name, columns=list(columns), parts=[rows])


def _any_xml(entry: Entry, opened: Opened, hints: Hints, make: Make) -> Iterator[Table]:
    head = _head(opened)
    if moodle.is_forum(head) or moodle.is_module(head):
        yield _moodle(entry, opened, make, is_forum=moodle.is_forum(head))
        return
    if feeds.kind_of(head) or opml.is_opml(head):
        known = _outlines if opml.is_opml(head) else _feed
        yield from known(entry, opened, hints, make)
        return
    with opened() as file:
        found = xml_rows.look(file)
    if not found:
        raise UnreadableArchiveError("this is XML in which no elements repeat, so it has no rows")

    def rows(path: xml_rows.Path, _: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield from xml_rows.rows(file, path)

    for path, columns in found.items():
        is_hidden = any(map(is_hiding, path[:-1]))
        name = ".".join(path) if is_hidden else xml_rows.table_name(path)
        yield make(name=name, columns=columns, parts=[partial(rows, path)], path=tuple(path))


def _mail(entry: Entry, _: Opened, _hints: Hints, make: Make) -> Iterator[Table]:
    def rows(_: Collection[str]) -> Iterator[Row]:
        with entry.open() as file:  # each mail names its own encoding
            yield from mail.rows(file)

    yield make(name="mail", columns=list(mail.COLUMNS), parts=[rows])


def _page(entry: Entry, opened: Opened, make: Make) -> Iterator[Table]:
    def rows(_: Collection[str]) -> Iterator[Row]:
        with opened() as file:
            yield pages.row(file, entry.name)

    yield make(name="pages", columns=list(pages.COLUMNS), parts=[rows])


def _faq(entry: Entry, opened: Opened, _: Hints, make: Make) -> Iterator[Table]:
    if pages.is_page(_head(opened), entry.name):
        yield from _page(entry, opened, make)
        return
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


MAKERS = {
    Format.CSV: _delimited,
    Format.TSV: _delimited,
    Format.JSON: nested.json_document,
    Format.JSONL: nested.json_rows_of_lines,
    Format.SQL: _sql,
    Format.STACKEXCHANGE: _xml,
    Format.XML: _any_xml,
    Format.MAIL: _mail,
    Format.FAQ: _faq,
    Format.SHEET: _drawn_sheets,
    Format.YAML: _yaml,
    Format.TOML: nested.toml,
    Format.DRAWN: _drawn,
}
