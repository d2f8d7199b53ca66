"""Finds the tables in the files of a source."""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, cast

from worker.archives.load_job import Format
from worker.archives.readers import makers
from worker.archives.readers.containers import foreign
from worker.archives.readers.containers.streams import SAMPLE, as_utf8, detect_encoding
from worker.archives.readers.documents import loose_json
from worker.archives.readers.forms import guess
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.sources import Entry, Source
from worker.archives.readers.table import Hints, Table
from worker.archives.readers.tabular import sheets

_PARQUET = b"PAR1"
_IS_EMPTY = "the file is empty"
_LOOSE = frozenset({Format.JSON, Format.JSONL})


def tables_of(source: Source, hints: Hints) -> list[Table]:
    """Return every table of *source*; raises `UnreadableArchiveError` if no file can be read."""
    found: dict[tuple[str, tuple[str, ...]], Table] = {}
    errors: list[tuple[str, str]] = []
    for entry in source.entries:
        try:
            for table in _tables(entry, hints):
                key = (table.name, tuple(table.columns))
                if key in found:
                    found[key].parts += table.parts
                else:
                    found[key] = table
        except UnreadableArchiveError as error:
            errors.append((entry.name, str(error)))
    if not found:
        raise UnreadableArchiveError(_of_nothing(source, errors))
    for name, reason in errors:
        source.passed_over.add(name, reason, is_odd=reason != _IS_EMPTY)
    return list(found.values())


def _of_nothing(source: Source, errors: Sequence[tuple[str, str]]) -> str:
    """Return why no file of *source* can be read."""
    if not errors:
        return source.passed_over.nothing()
    name, reason = errors[0]
    return f"{name}: {reason}" if len(source.entries) > 1 else reason


def _tables(entry: Entry, hints: Hints) -> Iterator[Table]:
    with entry.open() as stream:
        head = cast("io.BufferedReader", stream).peek(SAMPLE)[:SAMPLE]
    if head.startswith(_PARQUET) or hints.form is Format.PARQUET:
        yield from makers.parquet(entry)
        return
    if head.startswith((sheets.ZIP, sheets.OLE)):
        yield from makers.workbook(entry)
        return
    if not head.strip(b"\0"):
        raise UnreadableArchiveError(_IS_EMPTY if not head else "this is not text")
    if about := foreign.about(entry.name, head[: foreign.LOOKED]):
        raise UnreadableArchiveError(f"this is {about}")
    encoding = hints.encoding or detect_encoding(head)
    opened = partial(_text, entry, encoding)
    with opened() as stream:
        text = cast("io.BufferedReader", stream).peek(SAMPLE)[:SAMPLE]
    sample = text.decode("utf-8", "replace").removeprefix("\ufeff")
    if not foreign.is_text(sample):
        raise UnreadableArchiveError("this is no text, and no format that is known")
    form = hints.form or guess(sample, entry)
    if form in _LOOSE and loose_json.is_loose(sample.lstrip(" \t\r\n\x1e")):
        opened = partial(loose_json.opened, opened, by_line=form is Format.JSONL)
    make = partial(Table, form=form, encoding=encoding)
    yield from makers.MAKERS[form](entry, opened, hints, make)


def _text(entry: Entry, encoding: str) -> BinaryIO:
    return as_utf8(entry.open(), encoding)
