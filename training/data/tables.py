"""Rows of a file of pairs: CSV, TSV, JSONL or Parquet, with errors that name the line."""

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from training.data.pairs import COLUMNS, PairsError, Row

BROKEN = (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError, zlib.error)
"""What reading a broken file raises."""


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its line, from 1 (its place, in Parquet).

    Raises `PairsError` for an unknown kind of file, a missing column or a row that is broken.
    """
    kind = kind_of(path)
    readers = {".csv": _delimited, ".tsv": _delimited, ".jsonl": _jsonl, ".parquet": _parquet}
    if kind not in readers:
        raise PairsError(path, f"unknown kind of file; wanted one of {', '.join(readers)}")
    try:
        yield from readers[kind](path)
    except BROKEN as error:
        raise PairsError(path, f"cannot be read: {error}") from error


def _delimited(path: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(1 << 24)
    with open_text(path) as stream:
        delimiter = "\t" if kind_of(path) == ".tsv" else ","
        reader = csv.DictReader(stream, delimiter=delimiter, strict=True)
        _require_columns(path, reader.fieldnames or ())
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                raise PairsError(path, "wrong number of fields", line=line)
            yield line, row


def _jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    with open_text(path) as stream:
        for line, text in enumerate(stream, start=1):
            try:
                row = json.loads(text)
            except ValueError as error:
                raise PairsError(path, f"not JSON: {error}", line=line) from error
            _require_columns(path, row if isinstance(row, dict) else (), line=line)
            yield line, row


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    # Imported here: only this kind of file needs it.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        _require_columns(path, pq.read_schema(path).names)
        table = pq.read_table(path, columns=list(COLUMNS))
    except pa.ArrowException as error:
        raise PairsError(path, f"cannot be read: {error}") from error
    yield from enumerate(table.to_pylist(), start=1)


def _require_columns(path: Path, names: object, *, line: int = 1) -> None:
    present = list(names) if isinstance(names, Sequence | Mapping) else []
    missing = [name for name in COLUMNS if name not in present]
    if missing:
        have = ", ".join(map(str, present)) or "none"
        raise PairsError(path, f"no column {', '.join(missing)} (columns: {have})", line=line)


def open_text(path: Path) -> TextIO:
    """Open a file of UTF-8 text, gzipped where its name ends in ``.gz``."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def kind_of(path: Path) -> str:
    """Return the suffix that says what kind of file it is, ``.gz`` aside."""
    return next((suffix for suffix in reversed(path.suffixes) if suffix != ".gz"), "")
