"""Splits in which no question and no chain of pairs is in two parts.

In a split by rows a question of many pairs is in training and in test at the same time, and the
measured figure is too good. So whole connected components go to one part.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair, write_pairs
from worker.text.normal import text_digest

MANIFEST_FILE = "manifest.json"
_DEFAULT_SHARES = {"train": 0.9, "dev": 0.05, "test": 0.05}


class LeakError(InvalidInputError):
    """A question is in two parts of a split."""

    def __init__(self, question: str, parts: tuple[str, str]) -> None:
        super().__init__(f"{question!r} is in {parts[0]!r} and in {parts[1]!r}")


class Components:
    """Texts that are connected by chains of pairs (union-find with path halving)."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._parent: dict[str, str] = {}
        for first, second in pairs:
            self.join(first, second)

    def find(self, text: str) -> str:
        """Return the text that represents all texts connected with *text*."""
        parent = self._parent
        parent.setdefault(text, text)
        while parent[text] != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    def join(self, first: str, second: str) -> None:
        """Put *first* and *second* into one component; its name is the smaller of their names."""
        low, high = sorted((self.find(first), self.find(second)))
        self._parent[high] = low


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The parts of a dataset, and how they were made."""

    parts: Mapping[str, Sequence[LabelledPair]]
    seed: int
    shares: Mapping[str, float]


def split(
    pairs: Sequence[LabelledPair], *, seed: int, shares: Mapping[str, float] | None = None
) -> Split:
    """Return *pairs* split by connected component; the same for the same seed, in any order.

    Each component is drawn with the shares as probabilities, so sizes differ from them by chance.
    Raises `InvalidInputError` if the shares do not add up to 1.
    """
    shares = dict(shares or _DEFAULT_SHARES)
    if not shares or min(shares.values()) < 0 or abs(sum(shares.values()) - 1.0) > 1e-6:  # noqa: PLR2004
        raise InvalidInputError(f"the shares of a split must add up to 1: {shares}")
    components = Components((_key(pair.question1), _key(pair.question2)) for pair in pairs)
    parts: dict[str, list[LabelledPair]] = {name: [] for name in shares}
    for pair in pairs:
        # The draw depends on the names of the parts. So if one part is split again with the same
        # seed, its questions do not all come into the same new part.
        place = _place(f"{seed}\0{' '.join(shares)}\0{components.find(_key(pair.question1))}")
        parts[_part_at(place, shares)].append(pair)
    check_leaks(parts)
    return Split(parts=parts, seed=seed, shares=shares)


def check_leaks(parts: Mapping[str, Sequence[LabelledPair]]) -> None:
    """Raise `LeakError` if a question is in two parts; case and spaces do not count."""
    seen: dict[str, str] = {}
    for name, pairs in parts.items():
        for pair in pairs:
            for question in (pair.question1, pair.question2):
                other = seen.setdefault(_key(question), name)
                if other != name:
                    raise LeakError(question, (other, name))


def without_leaks(
    pairs: Sequence[LabelledPair], kept_apart: Sequence[LabelledPair]
) -> list[LabelledPair]:
    """Return the pairs without a question in *kept_apart*."""
    apart = {_key(text) for pair in kept_apart for text in (pair.question1, pair.question2)}
    return [
        pair
        for pair in pairs
        if _key(pair.question1) not in apart and _key(pair.question2) not in apart
    ]


def save(found: Split, folder: Path) -> None:
    """Write each part as JSONL into *folder*, with a manifest of counts, seed and hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for name, pairs in found.parts.items():
        path = folder / f"{name}.jsonl"
        write_pairs(path, pairs)
        parts[name] = {
            "pairs": len(pairs),
            "duplicates": sum(pair.label > 0.5 for pair in pairs),  # noqa: PLR2004
            "questions": len({text for p in pairs for text in (p.question1, p.question2)}),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    manifest = {"seed": found.seed, "shares": dict(found.shares), "parts": parts}
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def _key(text: str) -> str:
    return text_digest(text).hex()


def _place(component: str) -> float:
    """Return a number from 0 to 1 from a component's name; they are evenly spread."""
    digest = hashlib.sha256(component.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _part_at(place: float, shares: Mapping[str, float]) -> str:
    for name, share in shares.items():
        place -= share
        if place < 0:
            return name
    return next(name for name, share in reversed(list(shares.items())) if share > 0)
