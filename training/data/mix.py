"""The training mix: labelled pairs, pairs that follow from them, and pairs made by edits.

With labelled pairs alone a model learns a dataset's style. The additions teach close reading
(`perturb`), that equal words do not mean equal sense (inferred negatives), and other domains (a
teacher).
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from db.errors import UnreadableModelError
from db.wording import counted
from training.data.kin import word_kin
from training.data.mining import inferred_negatives
from training.data.pairs import LabelledPair
from training.data.perturb import (
    KEPT,
    Edit,
    Kin,
    change_number,
    front_place,
    made_up,
    negate,
    replace_name,
    swap_direction,
    swap_equals,
    swap_kindred,
    turn_opposite,
)
from training.data.splits import without_leaks
from training.data.templates import from_templates

_EDITED_LENGTHS = range(15, 140)

SHIPPED_EDITS: Mapping[Edit, int] = {
    swap_kindred: 5_000,
    swap_direction: 1_200,
    replace_name: 2_000,
    change_number: 1_200,
    negate: 2_200,
    turn_opposite: 3_000,
    swap_equals: 3_000,
    front_place: 1_500,
}
"""The number of edited pairs of each kind in the training of the shipped reranker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixConfig:
    """The numbers of pairs in the parts of a mix; fewer if there are not enough."""

    gold: int = 52_000
    positives: int = 6_000
    inferred_negatives: int = 10_000
    hard_negatives: int = 16_000
    joined: int = 3_000
    """Also at most one for ten gold pairs."""
    edits: Mapping[Edit, int] = field(default_factory=lambda: dict(SHIPPED_EDITS))
    templates: int = 0
    """Pairs from the templates that come with the project."""
    seed: int = 1


def build(
    config: MixConfig,
    *,
    gold: Sequence[LabelledPair],
    positives: Sequence[LabelledPair] = (),
    extra: Iterable[LabelledPair] = (),
    negatives: Sequence[LabelledPair] = (),
    kept_apart: Sequence[LabelledPair] = (),
    kin: Kin,
) -> list[LabelledPair]:
    """Return the shuffled mix; it is the same for the same seed and data.

    *negatives* are pairs that a bi-encoder mined (`mining.mined_negatives`). *extra*, such as a
    teacher's pairs, is used completely. No pair shares a question with *kept_apart*, the test sets.
    """
    choice = random.Random(config.seed)  # noqa: S311  # no secret
    rows = _some(gold, config.gold, choice)
    rows += _some(positives, config.positives, choice)
    rows += _some(_inferred([*gold, *positives]), config.inferred_negatives, choice)
    rows += _some(negatives, config.hard_negatives, choice)
    texts = sorted(
        {text for pair in [*gold, *positives] for text in (pair.question1, pair.question2)}
    )
    texts = [text for text in texts if len(text) in _EDITED_LENGTHS]
    rows += [
        LabelledPair(question, edited, 1.0 if edit in KEPT else 0.0)
        for question, edited, edit in made_up(texts, kin, edits=config.edits, choice=choice)
    ]
    rows += joined(gold, wanted=min(config.joined, len(gold) // 10), choice=choice)
    rows += from_templates(config.templates, choice)
    rows = without_leaks([*rows, *extra], kept_apart)
    choice.shuffle(rows)
    return rows


def kin_of(folder: Path, pairs: Sequence[LabelledPair]) -> Kin:
    """Return words of *pairs* that can replace each other, by the embeddings of *folder*'s model.

    Raises `UnreadableModelError` if the folder has no BERT-like model in one safetensors file.
    """
    try:
        vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
        embeddings = _word_embeddings(folder / "model.safetensors")
    except Exception as error:  # the libraries raise a bare Exception for a missing file
        raise UnreadableModelError(folder, f"no word embeddings: {error}") from error
    texts = [text for pair in pairs for text in (pair.question1, pair.question2)]
    return word_kin(texts, vocabulary, embeddings)


def balance(pairs: Sequence[LabelledPair]) -> str:
    """Return a text with the number of pairs and the share of duplicates."""
    counts = Counter(pair.label > 0.5 for pair in pairs)  # noqa: PLR2004
    return f"{counted(len(pairs), 'pair')}, {counts[True] / max(1, len(pairs)):.0%} duplicates"


def _word_embeddings(path: Path) -> NDArray[np.float32]:
    tensors = load_file(path)
    name = next(name for name in tensors if name.endswith("word_embeddings.weight"))
    return np.asarray(tensors[name], np.float32)


def joined(
    pairs: Sequence[LabelledPair], *, wanted: int, choice: random.Random
) -> list[LabelledPair]:
    """Return pairs of texts made of two questions each; half of the pairs are duplicates.

    They teach that posts are longer than a dataset's questions, and that one part can change the
    meaning.
    """
    same = [pair for pair in pairs if pair.label == 1.0]
    different = [pair for pair in pairs if pair.label == 0.0]
    if not same or not different:
        return []
    found = []
    for number in range(wanted):
        first, second = choice.choice(same), choice.choice(different if number % 2 else same)
        if choice.random() < 0.5:  # noqa: PLR2004  # the differing part may be first or second
            first, second = second, first
        found.append(
            LabelledPair(
                f"{first.question1} {second.question1}",
                f"{first.question2} {second.question2}",
                min(first.label, second.label),
            )
        )
    return found


def _inferred(pairs: Sequence[LabelledPair]) -> list[LabelledPair]:
    same = [(p.question1, p.question2) for p in pairs if p.label == 1.0]
    different = [(p.question1, p.question2) for p in pairs if p.label == 0.0]
    return [LabelledPair(a, b, 0.0) for a, b in inferred_negatives(same, different)]


def _some(pairs: Sequence[LabelledPair], wanted: int, choice: random.Random) -> list[LabelledPair]:
    return choice.sample(list(pairs), min(wanted, len(pairs)))
