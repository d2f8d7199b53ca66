"""Parquet: read in small batches, only the columns that are wanted."""

import weakref
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from worker.archives.readers.records import Columns, Record, UnreadableArchiveError

_BATCH = 2_048
_GROUP_LIMIT = 2 << 30
_STRING_LIMIT = 64 << 20
_CONTAINER_LIMIT = 1 << 20


class ParquetReader:
    """Rows of a Parquet file, numbered from 1."""

    def __init__(self, file: BinaryIO, *, chosen: Mapping[str, str] | None) -> None:
        weakref.finalize(self, file.close)
        try:
            self._file = pq.ParquetFile(
                file,
                thrift_string_size_limit=_STRING_LIMIT,
                thrift_container_size_limit=_CONTAINER_LIMIT,
            )
        except (pa.ArrowException, OSError) as error:
            raise UnreadableArchiveError(f"the Parquet file is damaged: {error}") from error
        self.columns = Columns.resolve(self._file.schema_arrow.names, chosen)
        self._refuse_huge_groups()

    def _refuse_huge_groups(self) -> None:
        metadata = self._file.metadata
        for group in range(metadata.num_row_groups):
            if metadata.row_group(group).total_byte_size > _GROUP_LIMIT:
                raise UnreadableArchiveError(
                    f"row group {group} is larger than {_GROUP_LIMIT >> 30} GiB: write smaller ones"
                )

    def __iter__(self) -> Iterator[Record]:
        names, fields = self.columns.names, self.columns.fields
        wanted = [names.get(field) for field in fields]
        used = sorted({name for name in wanted if name})
        number = 0
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH, columns=used):
                held: dict[str | None, list[Any]] = {n: batch.column(n).to_pylist() for n in used}
                held[None] = [None] * batch.num_rows
                for values in zip(*(held[name] for name in wanted), strict=True):
                    number += 1
                    yield from self.columns.records(number, values)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableArchiveError(f"row {number + 1}: {error}") from error
