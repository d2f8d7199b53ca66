"""Questions for measurements: real ones if a folder of data is named, otherwise made-up ones."""

import csv
import gzip
import itertools
import random
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

_OPENINGS = (
    "How do I",
    "What is the best way to",
    "Why can't I",
    "Where can I learn to",
    "Can you",
)
_VERBS = ("clean", "repair", "sell", "paint", "store", "replace", "choose", "carry", "dry", "fold")
_THINGS = (
    "violin",
    "carpet",
    "bicycle",
    "ladder",
    "hose",
    "pan",
    "jacket",
    "candle",
    "sink",
    "tent",
)
_PLACES = ("at home", "in a flat", "without tools", "in winter", "on a budget", "by myself", "fast")


class BenchSettings(BaseSettings):
    """The folder of real questions, read from ``ASKEDBEFORE_DATA``."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    data: Path | None = None


def questions(count: int, *, seed: int = 7, folder: Path | None = None) -> list[str]:
    """Return *count* distinct questions, the same ones for the same seed.

    They are those in *folder*, or in the folder of the environment, otherwise made-up ones.
    """
    folder = folder or BenchSettings().data
    pool = _real(folder) if folder else _made_up(count)
    random.Random(seed).shuffle(pool)  # noqa: S311  # nothing secret
    if len(pool) < count:
        raise ValueError(f"only {len(pool)} distinct questions to be had, {count} wanted")
    return pool[:count]


def _real(folder: Path) -> list[str]:
    path = folder / "quora" / "pairs_train.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        return list(dict.fromkeys(text for r in rows for text in (r["question1"], r["question2"])))


def _made_up(count: int) -> list[str]:
    parts = itertools.product(_OPENINGS, _VERBS, _THINGS, _PLACES)
    base = [f"{opening} {verb} my {thing} {place}?" for opening, verb, thing, place in parts]
    rounds = range(-(-count // len(base)))
    return [text if n == 0 else f"{text[:-1]} in {2026 - n}?" for n in rounds for text in base]
