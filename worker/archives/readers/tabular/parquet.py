"""Reads Parquet in small batches, and only the needed columns.

The sizes in the metadata are only claims of the file's writer, and count encoded bytes: one text of
a dictionary may be repeated thousands of times. So a batch has few rows, its size is checked after
decoding, and a row that is too large is rejected alone.
"""

import os
import weakref
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from worker.archives.readers.records import (
    RECORD_LIMIT,
    RECORD_TOO_LONG,
    ManyRows,
    Row,
    Rows,
    UnreadableArchiveError,
    refuse_bomb,
)

_BATCH = 64
_BUFFER = 1 << 20
_STRING_LIMIT = 64 << 20
_CONTAINER_LIMIT = 1 << 20


class ParquetRows:
    """Rows of a Parquet file, numbered from 1."""

    def __init__(self, file: BinaryIO) -> None:
        weakref.finalize(self, file.close)
        # Arrow's own pools reserve more than they use, and a limit of memory counts that.
        pa.set_memory_pool(pa.system_memory_pool())
        self._size = file.seek(0, os.SEEK_END)
        try:
            self._file = pq.ParquetFile(
                file,
                thrift_string_size_limit=_STRING_LIMIT,
                thrift_container_size_limit=_CONTAINER_LIMIT,
                pre_buffer=False,  # reads large row groups page by page
                buffer_size=_BUFFER,
            )
        except (pa.ArrowException, OSError) as error:
            raise UnreadableArchiveError(f"the Parquet file is damaged: {error}") from error
        self.header: list[str] = list(self._file.schema_arrow.names)
        self.has_objects = any(map(pa.types.is_nested, self._file.schema_arrow.types))

    def rows(self, columns: Collection[str]) -> Iterator[Rows]:
        """Yield the rows with those of their columns that are among *columns*.

        Raises `UnreadableArchiveError` if the file is damaged.
        """
        used = [name for name in self.header if name in columns]
        number = 0
        try:
            for part in self._parts(used):
                number += part.num_rows
                if part.nbytes > RECORD_LIMIT:
                    yield Row(number, RECORD_TOO_LONG)
                    continue
                yield ManyRows(range(number - part.num_rows + 1, number + 1), _columns(part))
        except MemoryError:  # Arrow's own is also an ArrowException
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise UnreadableArchiveError(f"row {number + 1}: {error}") from error

    def _parts(self, used: list[str]) -> Iterator[Any]:
        """Yield batches; one that is over `RECORD_LIMIT` is yielded row by row."""
        decoded = 0
        batches = self._file.iter_batches(batch_size=_BATCH, columns=used, use_threads=False)
        for batch in batches:
            decoded += batch.nbytes
            refuse_bomb(decoded, self._size)
            if batch.nbytes <= RECORD_LIMIT:
                yield batch
            else:
                yield from (batch.slice(place, 1) for place in range(batch.num_rows))


def _columns(part: Any) -> dict[str, list[Any]]:
    """Return the columns of a batch; times in nanoseconds are cut to microseconds."""
    return {
        name: _values(column) for name, column in zip(part.schema.names, part.columns, strict=True)
    }


def _values(column: Any) -> list[Any]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.to_numpy(zero_copy_only=False).tolist()  # type: ignore[no-any-return]
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column.to_pylist()  # type: ignore[no-any-return]
