"""From a file to records: detects format, encoding and columns."""

import io
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Self, cast

from db.errors import NotInstalledError
from worker.archives.load_job import Format
from worker.archives.readers import sevenzip, stackexchange
from worker.archives.readers.delimited import DelimitedReader
from worker.archives.readers.json_rows import JsonReader
from worker.archives.readers.records import Columns, Record, UnreadableArchiveError
from worker.archives.readers.streams import (
    SAMPLE,
    Counted,
    as_utf8,
    detect_encoding,
    opened,
    seekable,
)

_PARQUET = b"PAR1"
_SUFFIXES = re.compile(r"\.(gz|zst|zstd|7z)$", re.IGNORECASE)
_LINKS = "PostLinks.xml"


class Archive:
    """An open archive: its format and columns, and its records, which can be read once."""

    def __init__(
        self,
        records: Iterator[Record],
        *,
        columns: Columns,
        form: Format,
        encoding: str,
        counted: Counted,
        size: int | None,
    ) -> None:
        self._records = records
        self.columns, self.form, self.encoding = columns, form, encoding
        self._counted = counted
        self.size = size
        """Bytes of the file as it lies there; None when it comes from a pipe."""

    def append(self, more: Iterator[Record]) -> None:
        """Add records to the end."""
        self._records = chain(self._records, more)

    def sample(self, count: int = 3) -> list[Record]:
        """Return the first records; reading on still yields them."""
        head = list(islice(self._records, count))
        self._records = chain(head, self._records)
        return head

    def __iter__(self) -> Iterator[Record]:
        return self._records

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._counted.close()

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file were read."""
        return self._counted.count


def open_archive(
    path: Path,
    *,
    form: Format | None = None,
    chosen: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Archive:
    """Return the archive at *path*, with the duplicates of a ``PostLinks.xml`` beside it.

    Raises `UnreadableArchiveError` if the file cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableArchiveError(f"{path}: {error.strerror}") from error
    try:
        archive = open_stream(
            file,
            name=path.name,
            size=path.stat().st_size,
            form=form,
            chosen=chosen,
            encoding=encoding,
        )
    except BaseException:
        file.close()
        raise
    if archive.form is Format.STACKEXCHANGE:
        archive.append(_links_beside(path))
    return archive


def _links_beside(path: Path) -> Iterator[Record]:
    for name in (_LINKS, f"{_LINKS}.gz", f"{_LINKS}.zst"):
        beside = path.with_name(name)
        if beside.exists():
            with beside.open("rb") as file:
                yield from stackexchange.links(opened(file)[0])
            return
    if sevenzip.has_member(path, _LINKS):
        with path.open("rb") as file:
            yield from stackexchange.links(opened(file, member=_LINKS)[0])


def open_stream(
    file: BinaryIO,
    *,
    name: str = "",
    size: int | None = None,
    form: Format | None = None,
    chosen: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> Archive:
    """Return the archive in *file*; *name* only helps to detect the format.

    Raises `UnreadableArchiveError` if the file cannot be read.
    """
    unpacked, counted = opened(file)
    buffered = cast("io.BufferedReader", unpacked)
    if buffered.peek(4).startswith(_PARQUET) or form is Format.PARQUET:
        # Imported here, because Arrow needs memory and the other commands do not use it.
        if find_spec("pyarrow") is None:
            raise NotInstalledError("reading Parquet", needs="pyarrow", extra="parquet")
        from worker.archives.readers.parquet import ParquetReader  # noqa: PLC0415

        reader = ParquetReader(seekable(buffered), chosen=chosen)
        return Archive(
            iter(reader),
            columns=reader.columns,
            form=Format.PARQUET,
            encoding="utf-8",
            counted=counted,
            size=size,
        )
    head = buffered.peek(SAMPLE)[:SAMPLE]
    encoding = encoding or detect_encoding(head)
    text = cast("io.BufferedReader", as_utf8(buffered, encoding))
    if text is not buffered:
        head = text.peek(SAMPLE)[:SAMPLE]
    form = form or _guess(head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n"), name)
    rows = _reader(text, form, chosen)
    return Archive(
        iter(rows),
        columns=rows.columns,
        form=form,
        encoding=encoding,
        counted=counted,
        size=size,
    )


def _reader(
    text: BinaryIO, form: Format, chosen: Mapping[str, str] | None
) -> DelimitedReader | JsonReader | stackexchange.PostsReader:
    if form is Format.STACKEXCHANGE:
        return stackexchange.PostsReader(text)
    if form in {Format.JSON, Format.JSONL}:
        return JsonReader(text, is_lines=form is Format.JSONL, chosen=chosen)
    return DelimitedReader(text, delimiter="\t" if form is Format.TSV else None, chosen=chosen)


def _guess(head: str, name: str) -> Format:
    if not head:
        raise UnreadableArchiveError("the file is empty")
    suffix = Path(_SUFFIXES.sub("", name)).suffix.lower()
    if head.startswith("<"):
        if "<posts" in head or "<row " in head or name.startswith("Posts"):
            return Format.STACKEXCHANGE
        raise UnreadableArchiveError("this is XML, but no Posts.xml of a Stack Exchange dump")
    if head.startswith("["):
        return Format.JSON
    if head.startswith("{"):
        return Format.JSONL if suffix in {".jsonl", ".ndjson"} or _is_lines(head) else Format.JSON
    first = head.partition("\n")[0]
    is_tabbed = first.count("\t") > max(first.count(mark) for mark in ",;|")
    return Format.TSV if suffix in {".tsv", ".tab"} or is_tabbed else Format.CSV


def _is_lines(head: str) -> bool:
    first, _, others = head.partition("\n")
    if others.strip():
        return first.rstrip().endswith("}") and others.lstrip().startswith("{")
    return not re.search(r"\[\s*\{", first)
