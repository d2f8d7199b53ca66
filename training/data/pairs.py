"""Labelled pairs of questions: the record, its columns, and the error of a wrong file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import InvalidInputError

QUESTION1, QUESTION2, LABEL = "question1", "question2", "is_duplicate"
BODY1, BODY2 = "body1", "body2"
COLUMNS = (QUESTION1, QUESTION2, LABEL)
HUB = "hub:"
"""In place of a file's name, a name with this prefix is a dataset on the Hugging Face hub."""

Labels = NDArray[np.int64]
Values = Mapping[str, object]
"""The values of a row by column."""


class PairsError(InvalidInputError):
    """A file of pairs cannot be used."""

    def __init__(self, path: Path | str, reason: str, *, line: int | None = None) -> None:
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two questions and their label, 0 to 1; the titles are as the models read them."""

    question1: str
    question2: str
    label: float
    body1: str = ""
    body2: str = ""


def text_of(value: object) -> str:
    """Return a value of a row as text; empty if it is missing or no text, such as a list.

    Numbers are texts, and so are bytes in UTF-8: some programs write Parquet that way.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "ignore")
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if is_missing or isinstance(value, list | dict) else str(value)


def labels_of(pairs: Sequence[LabelledPair]) -> Labels:
    """Return the hard labels of *pairs*, (n,) int64."""
    return np.array([pair.label >= 0.5 for pair in pairs], np.int64)  # noqa: PLR2004


def require_both_labels(pairs: Sequence[LabelledPair], *, what: str) -> None:
    """Raise `InvalidInputError` unless *pairs* has both duplicates and other pairs."""
    if not pairs:
        raise InvalidInputError(f"{what} is empty")
    duplicates = sum(pair.label >= 0.5 for pair in pairs)  # noqa: PLR2004
    if duplicates in {0, len(pairs)}:
        only = "duplicates" if duplicates else "pairs that are no duplicates"
        raise InvalidInputError(f"{what} holds only {only}: nothing can be learned or measured")


def write_pairs(path: Path, pairs: Sequence[LabelledPair]) -> None:
    """Write *pairs* as JSONL that `read_pairs` can read."""
    with path.open("w", encoding="utf-8") as stream:
        for pair in pairs:
            row = {QUESTION1: pair.question1, QUESTION2: pair.question2, LABEL: pair.label}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
