"""Labelled pairs of questions, read from the files people have, with errors that name the line.

The published Quora file, any table with the columns ``question1, question2, is_duplicate``, the
moderators' decisions as the service exports them and datasets of the hub are read by the same door.
"""

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from db.errors import InvalidInputError
from worker.text import model_text, text_digest

QUESTION1, QUESTION2, LABEL = "question1", "question2", "is_duplicate"
HUB = "hub:"
"""What the name of a dataset of the Hugging Face hub begins with, where a file could stand."""
_COLUMNS = (QUESTION1, QUESTION2, LABEL)
_LABELS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}
_SHOWN = 5
_BROKEN = (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError, zlib.error)
"""What reading a broken file raises."""

Row = Mapping[str, object]


class PairsError(InvalidInputError):
    """A file of pairs cannot be used."""

    def __init__(self, path: Path | str, reason: str, *, line: int | None = None) -> None:
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two questions and how surely they are duplicates, 0..1; as the models see the texts."""

    question1: str
    question2: str
    label: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsRead:
    """What a file held: the pairs to use, and the lines left out, each with its reason."""

    pairs: list[LabelledPair]
    sha256: str
    rows: int = 0
    empty: list[int] = field(default_factory=list)
    identical: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    conflicting: list[tuple[int, int]] = field(default_factory=list)

    def summary(self) -> list[str]:
        """Return one line for people on each thing that was left out."""
        reports = (
            ("with an empty question, left out", self.empty),
            ("of two questions with the same text, left out", self.identical),
            ("repeated, used once", self.repeated),
            ("with contradicting labels, left out", self.conflicting),
        )
        lines = [f"{self.rows:,} rows, {len(self.pairs):,} pairs used"]
        for what, found in reports:
            if found:
                shown = ", ".join(map(_line_name, found[:_SHOWN]))
                more = ", ..." if len(found) > _SHOWN else ""
                lines.append(f"{len(found):,} {what} (lines {shown}{more})")
        return lines


def read_pairs(path: Path | str, *, soft: bool = False) -> PairsRead:
    """Return the pairs in a CSV, TSV, JSONL or Parquet file, plain or gzipped, or of the hub.

    A name that begins with ``hub:`` is a dataset's: see `training.data.hub`. With *soft*, labels
    may be any number from 0 to 1. Raises `PairsError`, naming the line, for a missing column, a
    label that is none, a row that cannot be read, or a file without pairs, and `HubError` as
    `hub.load` does.
    """
    sha256, lines = _opened(path)
    read = PairsRead(pairs=[], sha256=sha256)
    kept: dict[tuple[bytes, bytes], tuple[int, LabelledPair | None]] = {}
    rows = 0
    for line, row in lines:
        rows += 1
        label = _label(path, line, row[LABEL], soft=soft)
        pair = LabelledPair(*_texts(row), label)
        _sort_in(read, kept, line, pair)
    pairs = [pair for _, pair in kept.values() if pair is not None]
    if not pairs:
        raise PairsError(path, "holds no usable pair")
    return PairsRead(
        pairs=pairs,
        sha256=read.sha256,
        rows=rows,
        empty=read.empty,
        identical=read.identical,
        repeated=read.repeated,
        conflicting=read.conflicting,
    )


def read_questions(path: Path) -> list[str]:
    """Return the distinct questions of a text file, one a line, or of a CSV or TSV with a header.

    There the column is ``question`` or ``title``. Raises `PairsError` where there is none.
    """
    if not path.is_file():
        raise PairsError(path, "no such file")
    try:
        texts = _question_texts(path)
    except _BROKEN as error:
        raise PairsError(path, f"cannot be read: {error}") from error
    return list(dict.fromkeys(filter(None, map(model_text, texts))))


def _question_texts(path: Path) -> list[str]:
    kind = _kind(path)
    with _open(path) as stream:
        if kind not in {".csv", ".tsv"}:
            return list(stream)
        reader = csv.DictReader(stream, delimiter="\t" if kind == ".tsv" else ",", strict=True)
        column = next((c for c in ("question", "title") if c in (reader.fieldnames or ())), "")
        if not column:
            raise PairsError(path, "no column question or title", line=1)
        return [row[column] or "" for row in reader]


def require_both_labels(pairs: Sequence[LabelledPair], *, what: str) -> None:
    """Raise `InvalidInputError` unless *pairs* holds duplicates and others."""
    if not pairs:
        raise InvalidInputError(f"{what} is empty")
    duplicates = sum(pair.label >= 0.5 for pair in pairs)  # noqa: PLR2004
    if duplicates in {0, len(pairs)}:
        only = "duplicates" if duplicates else "pairs that are no duplicates"
        raise InvalidInputError(f"{what} holds only {only}: nothing can be learned or measured")


def write_pairs(path: Path, pairs: Sequence[LabelledPair]) -> None:
    """Write *pairs* as JSONL, in a form that `read_pairs` takes."""
    with path.open("w", encoding="utf-8") as stream:
        for pair in pairs:
            row = {QUESTION1: pair.question1, QUESTION2: pair.question2, LABEL: pair.label}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _opened(source: Path | str) -> tuple[str, Iterator[tuple[int, Row]]]:
    """Return the SHA-256 of a file or a dataset, and its rows with their numbers."""
    if str(source).startswith(HUB):
        from training.data import hub  # noqa: PLC0415  # heavy, and only these need it

        found = hub.load(str(source))
        return found.sha256, iter(enumerate(found.rows, start=1))
    path = Path(source)
    if not path.is_file():
        raise PairsError(path, "no such file")
    return file_sha256(path), _rows(path)


def _texts(row: Row) -> tuple[str, str]:
    first, second = (model_text(str(row[name] or "")) for name in (QUESTION1, QUESTION2))
    return first, second


def _sort_in(
    read: PairsRead,
    kept: dict[tuple[bytes, bytes], tuple[int, LabelledPair | None]],
    line: int,
    pair: LabelledPair,
) -> None:
    first, second = sorted((text_digest(pair.question1), text_digest(pair.question2)))
    if not pair.question1 or not pair.question2:
        read.empty.append(line)
    elif first == second:
        read.identical.append(line)
    elif (earlier := kept.setdefault((first, second), (line, pair)))[0] == line:
        return
    elif earlier[1] is not None and earlier[1].label == pair.label:
        read.repeated.append(line)
    else:
        read.conflicting.append((earlier[0], line))
        kept[first, second] = (earlier[0], None)


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    kind = _kind(path)
    readers = {".csv": _delimited, ".tsv": _delimited, ".jsonl": _jsonl, ".parquet": _parquet}
    if kind not in readers:
        raise PairsError(path, f"unknown kind of file; wanted one of {', '.join(readers)}")
    try:
        yield from readers[kind](path)
    except _BROKEN as error:
        raise PairsError(path, f"cannot be read: {error}") from error


def _delimited(path: Path) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(1 << 24)
    with _open(path) as stream:
        delimiter = "\t" if _kind(path) == ".tsv" else ","
        reader = csv.DictReader(stream, delimiter=delimiter, strict=True)
        _require_columns(path, reader.fieldnames or ())
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                raise PairsError(path, "wrong number of fields", line=line)
            yield line, row


def _jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    with _open(path) as stream:
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
        table = pq.read_table(path, columns=list(_COLUMNS))
    except pa.ArrowException as error:
        raise PairsError(path, f"cannot be read: {error}") from error
    yield from enumerate(table.to_pylist(), start=1)


def _require_columns(path: Path, names: object, *, line: int = 1) -> None:
    present = list(names) if isinstance(names, Sequence | Mapping) else []
    missing = [name for name in _COLUMNS if name not in present]
    if missing:
        have = ", ".join(map(str, present)) or "none"
        raise PairsError(path, f"no column {', '.join(missing)} (columns: {have})", line=line)


def _label(path: Path | str, line: int, value: object, *, soft: bool) -> float:
    label = _LABELS.get(str(value).strip().lower())
    if label is None and soft:
        label = _soft_label(value)
    if label is None:
        raise PairsError(path, f"{LABEL} must be 0 or 1, not {value!r}", line=line)
    return label


def _soft_label(value: object) -> float | None:
    try:
        label = float(str(value))
    except ValueError:
        return None
    return label if 0.0 <= label <= 1.0 else None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _kind(path: Path) -> str:
    return next((suffix for suffix in reversed(path.suffixes) if suffix != ".gz"), "")


def _line_name(found: int | tuple[int, int]) -> str:
    return str(found) if isinstance(found, int) else f"{found[0]} and {found[1]}"
