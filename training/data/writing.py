"""Writes rows as CSV, TSV, JSONL or Parquet, gzipped if the name ends in ``.gz``.

A half-written file is never left under the wanted name.
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from training.data.pairs import PairsError, Values
from training.data.tables import Kind, kind_of
from worker.text.cells import as_cell

STDOUT = "-"
_DELIMITERS = {Kind.CSV: ",", Kind.TSV: "\t"}
_ROW_GROUP = 16_384
"""Rows of a Parquet file that are collected before they are written."""


class Writer(Protocol):
    """Takes rows, some at a time."""

    def write(self, rows: Sequence[Values]) -> None:
        """Write *rows*; a missing column of a row is left empty."""
        ...


@contextmanager
def open_writer(out: str, columns: Mapping[str, type], *, schema: Any = None) -> Iterator[Writer]:
    """Yield a writer of rows to the file *out*, or as CSV to standard output if *out* is ``-``.

    *columns* has the types by name; *schema* is the Arrow schema of those columns that have one.
    The file exists only after the block has ended without an error. Raises `PairsError` if it
    cannot be written.
    """
    if out == STDOUT:
        yield _Delimited(sys.stdout, columns, ",")
        return
    path = Path(out)
    if path.is_dir():  # noticed now, not when all rows are written
        raise PairsError(path, "cannot be written: it is a folder")
    partial = path.with_name(f".{path.name}.part")
    try:
        with _opened(path, partial, columns, schema) as writer:
            yield writer
        partial.replace(path)
    except OSError as error:
        raise PairsError(path, f"cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(
    path: Path, partial: Path, columns: Mapping[str, type], schema: Any
) -> Iterator[Writer]:
    kind = kind_of(path)
    if kind is Kind.PARQUET:
        with _parquet(partial, columns, schema) as writer:
            yield writer
        return
    with _open_text(partial, is_packed=path.suffix.lower() == ".gz") as stream:
        is_json = kind is Kind.JSONL
        yield _Json(stream) if is_json else _Delimited(stream, columns, _DELIMITERS[kind])


def _open_text(path: Path, *, is_packed: bool) -> TextIO:
    # Bytes that could not be read as text are written unchanged.
    if is_packed:
        return gzip.open(path, "wt", encoding="utf-8", errors="surrogateescape", newline="")
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")


class _Delimited:
    def __init__(self, stream: TextIO, columns: Iterable[str], delimiter: str) -> None:
        self._writer = csv.writer(
            stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL
        )
        self._columns = list(columns)
        self._writer.writerow(self._columns)

    def write(self, rows: Sequence[Values]) -> None:
        for row in rows:
            texts = (_as_text(row.get(name)) for name in self._columns)
            self._writer.writerow([as_cell(text) for text in texts])


class _Json:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, rows: Sequence[Values]) -> None:
        for row in rows:
            text = json.dumps(row, ensure_ascii=False, default=_as_text)
            self._stream.write(_writable(text) + "\n")


@contextmanager
def _parquet(path: Path, columns: Mapping[str, type], schema: Any) -> Iterator[Writer]:
    # Imported here: only this kind of file needs it.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = {str: pa.string(), float: pa.float64(), int: pa.int64()}
    known = set() if schema is None else set(schema.names)
    fields = [
        schema.field(name) if name in known else pa.field(name, types[kind])
        for name, kind in columns.items()
    ]
    whole = pa.schema(fields)
    with pq.ParquetWriter(path, whole) as file:
        texts = {name for name, kind in columns.items() if kind is str} - known
        writer = _Parquet(file, whole, texts=texts)
        yield writer
        writer.flush()


class _Parquet:
    def __init__(self, file: Any, schema: Any, *, texts: AbstractSet[str]) -> None:
        self._file, self._schema, self._texts = file, schema, texts
        self._held: list[dict[str, object]] = []

    def write(self, rows: Sequence[Values]) -> None:
        self._held += [self._typed(row) for row in rows]
        if len(self._held) >= _ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415  # only this kind of file needs it

        self._file.write_table(pa.Table.from_pylist(self._held, schema=self._schema))
        self._held = []

    def _typed(self, row: Values) -> dict[str, object]:
        # Strings of Parquet are UTF-8, so undecodable bytes are replaced.
        texts = {
            name: _as_text(row.get(name)).encode("utf-8", "replace").decode()
            for name in self._texts
        }
        return {name: row.get(name) for name in self._schema.names} | texts


def _as_text(value: object) -> str:
    """Return a value as a field of a delimited file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict | list):
        return _writable(json.dumps(value, ensure_ascii=False, default=_as_text))
    return _writable(str(value))


def _writable(text: str) -> str:
    """Return *text* with halves of surrogate pairs replaced, because they cannot be written."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
