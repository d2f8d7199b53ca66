"""Reads labelled pairs and questions, from files and the hub.

Pairs can be the published Quora file, any table with the columns ``question1, question2,
is_duplicate``, the moderators' decisions as the service exports them, or a dataset of the hub.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from db.wording import counted
from training.data.pairs import (
    BODY1,
    BODY2,
    COLUMNS,
    HUB,
    LABEL,
    QUESTION1,
    QUESTION2,
    LabelledPair,
    PairsError,
    Values,
    text_of,
)
from training.data.tables import file_sha256, is_table, open_table
from worker.text.normal import TextFields, full_text, model_text, text_digest

_LABELS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "0.0": 0.0, "1.0": 1.0}
_SHOWN = 5
_ENCODING = "utf-8"
"""Not guessed: with a wrong encoding the models would learn from wrong texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsRead:
    """The usable pairs of a file, and the numbers of the lines left out, by reason."""

    pairs: list[LabelledPair]
    sha256: str
    rows: int = 0
    empty: list[int] = field(default_factory=list)
    identical: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    conflicting: list[tuple[int, int]] = field(default_factory=list)

    def summary(self) -> list[str]:
        """Return one line for each reason why rows were left out."""
        reports = (
            ("with an empty question, left out", self.empty),
            ("of two questions with the same text, left out", self.identical),
            ("repeated, used once", self.repeated),
            ("with contradicting labels, left out", self.conflicting),
        )
        lines = [f"{counted(self.rows, 'row')}, {counted(len(self.pairs), 'pair')} used"]
        for what, found in reports:
            if found:
                shown = ", ".join(map(_line_name, found[:_SHOWN]))
                more = ", ..." if len(found) > _SHOWN else ""
                lines.append(f"{len(found):,} {what} (lines {shown}{more})")
        return lines


def read_pairs(path: Path | str, *, soft: bool = False, with_bodies: bool = False) -> PairsRead:
    """Return the pairs in a CSV, TSV, JSONL or Parquet file, plain or compressed, or of the hub.

    A name that begins with ``hub:`` is a dataset's: see `training.data.hub`. With *soft*, labels
    may be any number from 0 to 1. *with_bodies* also reads the columns body1 and body2, if there
    are any. Raises `PairsError`, with the line, for a missing column, a wrong label, a row that
    cannot be read, or a file without pairs, and `HubError` as `hub.load` does.
    """
    sha256, lines = _opened(path)
    read = PairsRead(pairs=[], sha256=sha256)
    kept: dict[tuple[bytes, bytes], tuple[int, LabelledPair | None]] = {}
    rows = 0
    for line, row in lines:
        rows += 1
        label = _label(path, line, row[LABEL], soft=soft)
        _sort_in(read, kept, line, _pair(row, label, with_bodies=with_bodies))
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
    """Return the distinct questions of a text file, one on each line, or of a table.

    In a table the column is ``question`` or ``title``. Raises `PairsError` if there is no such
    column, or if the file cannot be read.
    """
    texts = _question_column(path) if is_table(path) else _lines(path)
    return list(dict.fromkeys(filter(None, map(model_text, texts))))


def _question_column(path: Path) -> Iterator[str]:
    with open_table(path, encoding=_ENCODING) as table:
        column = next((name for name in ("question", "title") if name in table.columns), None)
        if column is None:
            raise PairsError(path, "no column question or title", line=1)
        for row in table.sound_rows():
            yield text_of(row.values.get(column))


def _lines(path: Path) -> Iterator[str]:
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig") as stream:
            yield from stream
    except FileNotFoundError as error:
        raise PairsError(path, "no such file") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise PairsError(path, f"cannot be read: {error}") from error


def _opened(source: Path | str) -> tuple[str, Iterator[tuple[int, Values]]]:
    """Return the SHA-256 of a file or a dataset, and its rows with their numbers."""
    if str(source).startswith(HUB):
        from training.data import hub  # noqa: PLC0415  # slow to load, only needed here

        found = hub.load(str(source))
        return found.sha256, iter(enumerate(found.rows, start=1))
    path = Path(source)
    if not path.is_file():
        raise PairsError(path, "no such file")
    return file_sha256(path), _rows(path)


def _rows(path: Path) -> Iterator[tuple[int, Values]]:
    with open_table(path, encoding=_ENCODING) as table:
        table.require(*COLUMNS)
        for row in table.sound_rows():
            missing = [name for name in COLUMNS if name not in row.values]
            if missing:
                raise PairsError(path, f"no {', '.join(missing)}", line=row.line)
            yield row.line, row.values


def _pair(row: Values, label: float, *, with_bodies: bool) -> LabelledPair:
    first, second = (model_text(text_of(row[name])) for name in (QUESTION1, QUESTION2))
    bodies = (text_of(row.get(name)) if with_bodies else "" for name in (BODY1, BODY2))
    return LabelledPair(first, second, label, *bodies)


def _sort_in(
    read: PairsRead,
    kept: dict[tuple[bytes, bytes], tuple[int, LabelledPair | None]],
    line: int,
    pair: LabelledPair,
) -> None:
    first, second = sorted(
        text_digest(full_text(title, body, fields=TextFields.TITLE_BODY))
        for title, body in ((pair.question1, pair.body1), (pair.question2, pair.body2))
    )
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


def _line_name(found: int | tuple[int, int]) -> str:
    return str(found) if isinstance(found, int) else f"{found[0]} and {found[1]}"
