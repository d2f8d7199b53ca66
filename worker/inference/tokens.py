"""Makes batches of token ids from texts: tokenised once, joined to pairs, batched by length.

Only the `tokenizers` library is used, so a worker on a CPU never loads PyTorch.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from db.errors import UnreadableModelError

if TYPE_CHECKING:
    from tokenizers import Encoding

Integers = NDArray[np.int64]

SPEC_FILE = "spec.json"
TOKENIZER_FILE = "tokenizer.json"
_CHARACTERS_PER_TOKEN = 64  # more than any question needs; cuts very long texts


class Precision(StrEnum):
    """The number format in which a model is computed."""

    INT8 = "int8"
    FP32 = "fp32"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """The settings for a model's input; saved beside an exported model."""

    inputs: tuple[str, ...]
    max_length: int
    pad_id: int = 0
    pad_left: bool = False
    prompt: str = ""
    dimension: int = 1
    precision: Precision = Precision.FP32

    def save(self, folder: Path) -> None:
        """Write the spec into *folder*."""
        (folder / SPEC_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the spec saved in *folder*; raises `UnreadableModelError` if it cannot be used."""
        try:
            data = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
            inputs, precision = tuple(data.pop("inputs")), Precision(data.pop("precision"))
            return cls(inputs=inputs, precision=precision, **data)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UnreadableModelError(folder / SPEC_FILE, str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One padded batch: the positions of its inputs, and their tensors."""

    rows: Integers  # (n,), positions in the call
    ids: Integers  # (n, length)
    mask: Integers  # (n, length), 1 where there is a token
    types: Integers  # (n, length), 1 in the second text of a pair

    def feed(self, inputs: Sequence[str]) -> dict[str, Integers]:
        """Return the tensors by the names of the model's inputs."""
        named = {"input_ids": self.ids, "attention_mask": self.mask, "token_type_ids": self.types}
        return {name: named[name] for name in inputs}

    def take(self, which: slice) -> "Batch":
        """Return a batch of some of the inputs, without columns that are only padding."""
        used = self.mask[which].any(axis=0)
        ids, mask, types = (part[which][:, used] for part in (self.ids, self.mask, self.types))
        return Batch(rows=self.rows[which], ids=ids, mask=mask, types=types)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    """The special tokens a tokenizer puts before, between and after the texts."""

    parts: tuple[tuple[int, ...], ...]
    part_types: tuple[tuple[int, ...], ...]
    text_types: tuple[int, ...]

    @property
    def special(self) -> int:
        return sum(len(part) for part in self.parts)


class Tokens:
    """A model's tokenizer: ids without special tokens, and batches with them."""

    def __init__(self, tokenizer: str, spec: ModelSpec) -> None:
        """Take the content of a ``tokenizer.json``; raises `UnreadableModelError`."""
        try:
            from tokenizers import Tokenizer  # noqa: PLC0415  # the API's image has none

            self._tokenizer = Tokenizer.from_str(tokenizer)
        except Exception as error:  # the library raises bare `Exception`
            raise UnreadableModelError(TOKENIZER_FILE, str(error)) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._spec = spec
        self._single = _template(self._tokenizer.encode("a"), 1)
        self._pair = _template(self._tokenizer.encode("a", "b"), 2)
        self._longest = spec.max_length * _CHARACTERS_PER_TOKEN

    @classmethod
    def from_file(cls, path: Path, spec: ModelSpec) -> Self:
        """Return the tokenizer saved at *path*."""
        return cls(path.read_text(encoding="utf-8"), spec)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, without special tokens, not yet cut."""
        cleaned = [self._spec.prompt + _encodable(text)[: self._longest].strip() for text in texts]
        encodings = self._tokenizer.encode_batch_fast(cleaned, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def singles(self, ids: Sequence[Sequence[int]], *, token_budget: int) -> Iterator[Batch]:
        """Yield the texts as batches, shortest first."""
        room = self._spec.max_length - self._single.special
        lengths = np.array([min(len(text), room) for text in ids], np.int64)
        for rows in batches(lengths + self._single.special, token_budget=token_budget):
            yield self._assemble(rows, self._single, [[ids[row][:room]] for row in rows])

    def pairs(
        self, ids: Sequence[Sequence[int]], pairs: NDArray[np.int32], *, token_budget: int
    ) -> Iterator[Batch]:
        """Yield the pairs as batches, shortest first; the longer text of a pair is cut first."""
        room = self._spec.max_length - self._pair.special
        lengths = np.array([len(text) for text in ids], np.int64)
        kept = longest_first(lengths[pairs], room)  # (n, 2)
        for rows in batches(kept.sum(axis=1) + self._pair.special, token_budget=token_budget):
            texts = [
                [ids[text][:length] for text, length in zip(pairs[row], kept[row], strict=True)]
                for row in rows
            ]
            yield self._assemble(rows, self._pair, texts)

    def _assemble(
        self, rows: Integers, template: _Template, texts: list[list[Sequence[int]]]
    ) -> Batch:
        filled = [_fill(template, row) for row in texts]
        length = max(len(ids) for ids, _ in filled)
        ids = np.full((len(rows), length), self._spec.pad_id, np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for at, (row_ids, row_types) in enumerate(filled):
            size = len(row_ids)
            place = slice(length - size, length) if self._spec.pad_left else slice(0, size)
            ids[at, place], types[at, place], mask[at, place] = row_ids, row_types, 1
        return Batch(rows=rows, ids=ids, mask=mask, types=types)


def batches(lengths: Integers, *, token_budget: int) -> Iterator[Integers]:
    """Yield positions in groups of similar length, shortest first.

    A group has at most *token_budget* tokens, with padding, and at least one row. The groups are
    those that cost least: padding costs as much as other tokens, and so does `_overhead` a group.
    """
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in _ends(lengths[order], token_budget):
        part = order[start:end]
        most = _most(lengths[part[-1]], token_budget)
        yield from np.array_split(part, -(-len(part) // most))
        start = end


def _ends(lengths: Integers, token_budget: int) -> list[int]:
    """Return where each stretch of similar *lengths*, (n,) ascending, ends at the least cost.

    A group begins only where the length changes, or where the group before it is full.
    """
    sizes, counts = np.unique(lengths, return_counts=True)
    ends = np.concatenate(([0], np.cumsum(counts)))
    cost, before = np.zeros(len(ends)), np.zeros(len(ends), np.int64)
    for at, size in enumerate(sizes.tolist(), 1):
        rows = ends[at] - ends[:at]
        groups = -(-rows // _most(size, token_budget))
        costs = cost[:at] + rows * size + groups * _overhead(token_budget)
        before[at] = np.argmin(costs)
        cost[at] = costs[before[at]]
    found, at = [], len(sizes)
    while at > 0:
        found.append(int(ends[at]))
        at = int(before[at])
    return found[::-1]


def _most(length: int, token_budget: int) -> int:
    return max(1, token_budget // max(1, int(length)))


def _overhead(token_budget: int) -> float:
    """Return how many tokens could be computed in the time that a batch takes beside its tokens."""
    return token_budget / 25


def longest_first(lengths: Integers, room: int) -> Integers:
    """Return how many tokens of both texts of each pair are kept, (n, 2), at most *room* a pair.

    *lengths* is (n, 2). This is the rule of the `tokenizers` library: the longer text is cut until
    both are equally long.
    """
    short = np.minimum(lengths.min(axis=1), room // 2)
    long = np.minimum(lengths.max(axis=1), room - short)
    first_is_short = lengths[:, 0] <= lengths[:, 1]
    return np.where(
        first_is_short[:, None], np.stack([short, long], axis=1), np.stack([long, short], axis=1)
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _fill(template: _Template, texts: list[Sequence[int]]) -> tuple[list[int], list[int]]:
    ids, types = list(template.parts[0]), list(template.part_types[0])
    for at, text in enumerate(texts):
        ids += text
        types += [template.text_types[at]] * len(text)
        ids += template.parts[at + 1]
        types += template.part_types[at + 1]
    return ids, types


def _template(encoding: "Encoding", texts: int) -> _Template:
    parts: list[list[int]] = [[] for _ in range(texts + 1)]
    part_types: list[list[int]] = [[] for _ in range(texts + 1)]
    text_types, seen = [0] * texts, 0
    tokens = zip(encoding.ids, encoding.type_ids, encoding.sequence_ids, strict=True)
    for token, type_id, text in tokens:
        if text is None:
            parts[seen].append(token)
            part_types[seen].append(type_id)
        else:
            seen, text_types[text] = text + 1, type_id
    return _Template(
        parts=tuple(map(tuple, parts)),
        part_types=tuple(map(tuple, part_types)),
        text_types=tuple(text_types),
    )
