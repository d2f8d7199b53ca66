"""Reads tables: CSV, TSV, JSONL or Parquet, plain or compressed, in constant memory.

A row that cannot be read is yielded with its fault: one caller keeps it, another raises.
"""

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Self

from db.wording import counted
from training.data.pairs import PairsError
from worker.archives.readers.containers.streams import (
    SAMPLE,
    Counted,
    as_utf8,
    detect_encoding,
    opened,
)
from worker.archives.readers.documents.json_lines import json_lines
from worker.archives.readers.records import Reject, UnreadableArchiveError
from worker.archives.readers.tabular.delimited import DelimitedRows
from worker.text.cells import of_cell

_HEAD = 200
"""The first JSON objects, from which the names of the columns are taken."""
_PARQUET_BATCH = 2_048
_PACKED = (".gz", ".zst")


class Kind(StrEnum):
    """The kind of a file of rows; the value is the end of its name."""

    CSV = ".csv"
    TSV = ".tsv"
    JSONL = ".jsonl"
    PARQUET = ".parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """One row, by column; `line` counts from 1 (from the first row, in Parquet)."""

    line: int
    values: Mapping[str, object]
    fault: str | None = None
    """Why the row cannot be read; then `values` has only the readable part."""


class Table:
    """An open file of rows: its columns, its rows, which can be read once, and its progress."""

    def __init__(
        self,
        path: Path,
        rows: Iterable[Row],
        *,
        kind: Kind,
        columns: Sequence[str],
        schema: Any = None,
        encoding: str = "utf-8",
        counted: Counted | None = None,
        total: int,
    ) -> None:
        self.path, self.kind, self.columns = path, kind, tuple(columns)
        self.encoding = encoding
        self.schema = schema
        """The types of a Parquet file's columns; None for other files."""
        self._rows, self._counted, self._total, self._read = rows, counted, total, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._counted is not None:
            self._counted.close()

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows; raises `PairsError` if the file is damaged."""
        try:
            for row in self._rows:
                self._read += 1
                yield row
        except UnreadableArchiveError as error:
            raise PairsError(self.path, f"cannot be read: {error}") from error

    def sound_rows(self) -> Iterator[Row]:
        """Yield the rows; raises `PairsError` at the first row that cannot be read."""
        for row in self:
            if row.fault is not None:
                raise PairsError(self.path, f"cannot be read: {row.fault}", line=row.line)
            yield row

    @property
    def share_read(self) -> float:
        """Return the share of the file that was read, 0..1."""
        done = self._read if self._counted is None else self._counted.count
        return min(1.0, done / max(1, self._total))

    def require(self, *names: str) -> None:
        """Raise `PairsError` unless all these columns exist."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            have = ", ".join(self.columns) or "none"
            which = "the column that has it" if len(missing) == 1 else "the columns that have them"
            advice = f": rename {which}" if self.columns else ""
            reason = f"no column {', '.join(missing)} (columns: {have}){advice}"
            raise PairsError(self.path, reason, line=1)


def open_table(path: Path, *, encoding: str | None = None) -> Table:
    """Return the table in the file at *path*; its encoding is detected unless it is given.

    Raises `PairsError` if there is no such file, if its kind or the encoding is unknown, or if it
    is damaged.
    """
    kind = kind_of(path)
    if encoding is not None and not _is_known(encoding):
        raise PairsError(path, f"there is no encoding {encoding!r}")
    try:
        if kind is Kind.PARQUET:
            return _parquet(path)
        file = path.open("rb")
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise PairsError(path, f"{reason}") from error
    try:
        return _text(path, kind, file, encoding)
    except UnreadableArchiveError as error:
        file.close()
        raise PairsError(path, f"cannot be read: {error}") from error


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def kind_of(path: Path) -> Kind:
    """Return the kind of a file by its name, compressed or not; raises `PairsError` if unknown."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    name = next((suffix for suffix in reversed(suffixes) if suffix not in _PACKED), "")
    try:
        return Kind(name)
    except ValueError as error:
        known = ", ".join(Kind)
        raise PairsError(path, f"unknown kind of file; wanted one of {known}") from error


def is_table(path: Path) -> bool:
    """Return whether the name of a file is that of a table."""
    try:
        kind_of(path)
    except PairsError:
        return False
    return True


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _text(path: Path, kind: Kind, file: BinaryIO, encoding: str | None) -> Table:
    unpacked, counted = opened(file)
    head = unpacked.peek(SAMPLE)[:SAMPLE]  # type: ignore[attr-defined]  # buffered, always
    encoding = encoding or detect_encoding(head)
    text = as_utf8(unpacked, encoding)
    rows, columns = _json(text) if kind is Kind.JSONL else _delimited(text, is_empty=not head)
    return Table(
        path,
        rows,
        kind=kind,
        columns=columns,
        encoding=encoding,
        counted=counted,
        total=path.stat().st_size,
    )


def _delimited(file: BinaryIO, *, is_empty: bool) -> tuple[Iterator[Row], Sequence[str]]:
    if is_empty:
        return iter(()), ()
    source = DelimitedRows(file)
    names = _distinct(source.header)
    return (_delimited_row(item, names) for item in source), names


def _delimited_row(item: Reject | tuple[int, Sequence[str | None]], names: Sequence[str]) -> Row:
    if isinstance(item, Reject):
        return Row(item.line, {}, item.reason)
    line, cells = item
    fields = [of_cell(cell or "") for cell in cells]
    values = dict(zip(names, fields, strict=False))
    if len(fields) != len(names):
        return Row(
            line, values, f"{counted(len(fields), 'field')}, but the header has {len(names)}"
        )
    is_text = all(map(_is_text, fields))
    return Row(
        line, values, None if is_text else "bytes that are not UTF-8: save the file as UTF-8"
    )


def _is_text(field: str) -> bool:
    """Return whether *field* can be written; undecodable bytes are lone surrogates."""
    if field.isascii():
        return True
    try:
        field.encode()
    except UnicodeEncodeError:
        return False
    return True


def _distinct(names: Iterable[str]) -> list[str]:
    """Return *names*, with a number added to each repeated one."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found


def _json(file: BinaryIO) -> tuple[Iterator[Row], Sequence[str]]:
    rows = (
        Row(line, found) if isinstance(found, dict) else Row(line, {}, found)
        for line, found, _ in json_lines(file)
    )
    head = list(islice(rows, _HEAD))
    return chain(head, rows), list(dict.fromkeys(name for row in head for name in row.values))


def _parquet(path: Path) -> Table:
    # Imported here: only this kind of file needs it.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(path)
    except pa.ArrowException as error:
        raise PairsError(path, f"cannot be read: {error}") from error
    schema = file.schema_arrow

    def rows() -> Iterator[Row]:
        line = 0
        try:
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH):
                for values in batch.to_pylist():
                    line += 1
                    yield Row(line, values)
        except (pa.ArrowException, OSError) as error:
            raise PairsError(path, f"cannot be read: {error}", line=line + 1) from error

    return Table(
        path,
        rows(),
        kind=Kind.PARQUET,
        columns=schema.names,
        schema=schema,
        total=file.metadata.num_rows,
    )
