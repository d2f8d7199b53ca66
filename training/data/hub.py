"""Labelled pairs from a dataset of the Hugging Face hub, or from a folder with one.

Named ``hub:NAME``, ``hub:NAME#CONFIG`` or ``hub:NAME#CONFIG:SPLIT``. NAME is a hub id, a downloaded
copy of a dataset's repository, or a folder written by ``save_to_disk``.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import (
    Dataset,
    DatasetDict,
    get_dataset_config_names,
    load_dataset,
    load_from_disk,
)
from datasets.exceptions import DatasetNotFoundError

from db.errors import InvalidInputError
from training.data.pairs import HUB, LABEL, QUESTION1, QUESTION2, Values

_TEXTS = (
    (QUESTION1, QUESTION2),
    ("sentence1", "sentence2"),
    ("text1", "text2"),
    ("anchor", "positive"),
)
_LABELS = (LABEL, "label", "labels")
_NESTED = "questions"
"""Quora's own dataset keeps both texts in one column: ``{"id": [...], "text": [...]}``."""
_PREFERRED = ("pair-class", "default")
"""If there are several configurations, these have the labelled pairs."""
_SAVED = ("dataset_dict.json", "dataset_info.json")


class HubError(InvalidInputError):
    """A dataset of the hub cannot be used."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubName:
    """The name of a dataset, with its configuration and split."""

    name: str
    config: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRows:
    """Rows with the columns ``question1, question2, is_duplicate``, and the SHA-256 of all rows."""

    rows: list[Values]
    sha256: str


def parse(source: str) -> HubName:
    """Return the parts of ``hub:NAME#CONFIG:SPLIT``; CONFIG and SPLIT may be missing or empty.

    Raises `HubError` without a NAME.
    """
    name, _, rest = source.removeprefix(HUB).partition("#")
    config, _, split = rest.partition(":")
    if not name:
        raise HubError(source, "names no dataset; wanted is hub:NAME, or hub:NAME#CONFIG:SPLIT")
    return HubName(name=name, config=config or None, split=split or None)


def load(source: str) -> HubRows:
    """Return the pairs of the dataset called *source*; raises `HubError` saying what to do."""
    data = _loaded(source, parse(source))
    pair = _reader(source, data)
    rows = [pair(row) for row in data]
    total = hashlib.sha256()
    for row in rows:
        total.update("\0".join(str(value) for value in row.values()).encode() + b"\n")
    return HubRows(rows=rows, sha256=total.hexdigest())


def _loaded(source: str, wanted: HubName) -> Dataset:
    folder = Path(wanted.name)
    try:
        if any((folder / name).is_file() for name in _SAVED):
            found = load_from_disk(str(folder))
        else:
            found = load_dataset(wanted.name, _config(source, wanted))
    except HubError:
        raise
    except DatasetNotFoundError as error:
        reason = f"no such dataset, or it is private (sign in with `hf auth login`): {error}"
        raise HubError(source, reason) from error
    except ConnectionError as error:
        raise HubError(source, _unreachable(wanted, error)) from error
    except Exception as error:  # a bad file, configuration or script: the message names it
        raise HubError(source, f"cannot be read: {error}") from error
    return _split(source, found, wanted.split)


def _config(source: str, wanted: HubName) -> str:
    if wanted.config:
        return wanted.config
    names: list[str] = list(get_dataset_config_names(wanted.name))
    for name in _PREFERRED:
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    raise HubError(source, f"say which configuration: {HUB}{wanted.name}#{'|'.join(names)}")


def _split(source: str, found: Dataset | DatasetDict, wanted: str | None) -> Dataset:
    if isinstance(found, Dataset):
        return found
    name = wanted or ("train" if "train" in found else next(iter(found)))
    if name not in found:
        raise HubError(source, f"no split {name!r} (splits: {', '.join(found)})")
    return found[name]


def _reader(source: str, data: Dataset) -> Callable[[Values], Values]:
    """Return a function that turns a row of *data* into a row of pairs, by its column names."""
    columns = data.column_names
    texts = next((pair for pair in _TEXTS if set(pair) <= set(columns)), None)
    label = next((name for name in _LABELS if name in columns), None)
    have = f"(columns: {', '.join(columns)})"
    if texts is None and _NESTED not in columns:
        wanted = ", ".join("/".join(pair) for pair in _TEXTS)
        raise HubError(source, f"no pair of columns {wanted}, nor {_NESTED} {have}")
    if label is None and (texts is None or texts[1] != "positive"):
        raise HubError(source, f"no column {' or '.join(_LABELS)} {have}")

    def pair(row: Values) -> Values:
        first, second = (row[name] for name in texts) if texts else _nested(source, row)
        return {QUESTION1: first, QUESTION2: second, LABEL: row[label] if label else 1}

    return pair


def _nested(source: str, row: Values) -> Iterator[object]:
    questions = row[_NESTED]
    texts = questions.get("text") if isinstance(questions, Mapping) else questions
    if not isinstance(texts, list) or len(texts) != 2:  # noqa: PLR2004  # a pair
        raise HubError(source, f"{_NESTED} must hold two texts, not {questions!r}")
    return iter(texts)


def _unreachable(wanted: HubName, error: Exception) -> str:
    return (
        f"the hub cannot be reached ({error}). Where it can be, run `hf download --repo-type"
        f" dataset {wanted.name} --local-dir FOLDER`, bring FOLDER here and give {HUB}FOLDER"
        " with the same #CONFIG:SPLIT; or name a file of pairs instead"
    )
