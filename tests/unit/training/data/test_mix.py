"""The training mix: repeatable, within its limits, and without a question that is kept apart."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from db.errors import UnreadableModelError
from tests.unit.worker.inference.test_tokens import BERT, WORDS, make_tokenizer
from training.data.mix import MixConfig, balance, build, joined, kin_of
from training.data.pairs import LabelledPair
from training.data.perturb import KEPT, negate

NO_EDITS = MixConfig(edits={}, joined=0)
PAIRS = st.lists(
    st.builds(
        LabelledPair,
        st.integers(0, 9).map("question {}".format),
        st.integers(10, 19).map("question {}".format),
        st.sampled_from([0.0, 1.0]),
    ),
    max_size=30,
)
KIN: dict[str, list[str]] = {}


def of(number: int, label: float) -> LabelledPair:
    return LabelledPair(f"Should I boil {number} eggs?", f"Can I boil {number} eggs?", label)


@settings(max_examples=40)
@given(PAIRS, PAIRS, st.integers(0, 12), st.integers(0, 12))
def test_no_part_is_larger_than_its_limit_and_nothing_is_invented(
    gold: list[LabelledPair], extra: list[LabelledPair], most: int, inferred: int
) -> None:
    config = MixConfig(gold=most, inferred_negatives=inferred, edits={}, joined=0)

    rows = build(config, gold=gold, extra=extra, kin=KIN)

    assert len(extra) <= len(rows) <= min(most, len(gold)) + inferred + len(extra)
    known = {text for pair in (*gold, *extra) for text in (pair.question1, pair.question2)}
    assert {text for pair in rows for text in (pair.question1, pair.question2)} <= known


@settings(max_examples=40)
@given(PAIRS, PAIRS)
def test_no_question_of_the_sets_kept_apart_is_in_the_mix(
    gold: list[LabelledPair], apart: list[LabelledPair]
) -> None:
    shouted = [LabelledPair(one.question1.upper(), f" {one.question2}?", 0.0) for one in apart]

    rows = build(NO_EDITS, gold=gold, extra=gold, kept_apart=shouted, kin=KIN)

    hidden = {text for pair in apart for text in (pair.question1, pair.question2)}
    assert not hidden & {text for pair in rows for text in (pair.question1, pair.question2)}


@settings(max_examples=20)
@given(PAIRS, st.integers(0, 3))
def test_the_same_seed_gives_the_same_mix(gold: list[LabelledPair], seed: int) -> None:
    config = MixConfig(gold=10, templates=5, joined=3, edits={negate: 3}, seed=seed)

    assert build(config, gold=gold, kin=KIN) == build(config, gold=list(gold), kin=KIN)


def test_an_edit_has_the_label_of_its_meaning() -> None:
    gold = [of(number, 1.0) for number in range(2, 12)]
    config = MixConfig(gold=0, positives=0, inferred_negatives=0, joined=0, edits={negate: 4})

    rows = build(config, gold=gold, kin=KIN)

    assert negate not in KEPT
    assert len(rows) == 4
    assert all(pair.label == 0.0 and " not " in pair.question2 for pair in rows)


def test_texts_that_are_too_short_or_too_long_are_not_edited() -> None:
    long = "Should I boil " + "eggs and " * 20 + "rice?"
    gold = [LabelledPair("Can I go?", long, 1.0)]
    config = MixConfig(gold=0, joined=0, edits={negate: 9})

    assert build(config, gold=gold, kin=KIN) == []


@given(st.integers(0, 20), st.integers(0, 5))
def test_of_two_joined_questions_both_parts_decide(wanted: int, seed: int) -> None:
    gold = [*(of(n, 1.0) for n in range(2, 7)), *(of(n, 0.0) for n in range(7, 12))]
    label = {(one.question1, one.question2): one.label for one in gold}

    found = joined(gold, wanted=wanted, choice=Random(seed))  # noqa: S311

    assert len(found) == wanted
    for number, pair in enumerate(found):
        lefts, rights = (text.split("?") for text in (pair.question1, pair.question2))
        parts = [
            label[f"{left.strip()}?", f"{right.strip()}?"]
            for left, right in zip(lefts[:2], rights[:2], strict=True)
        ]
        assert pair.label == min(parts)
        assert pair.label == (0.0 if number % 2 else 1.0)


@pytest.mark.parametrize("label", [0.0, 1.0, 0.5])
def test_of_one_label_alone_nothing_is_joined(label: float) -> None:
    assert joined([of(2, label), of(3, label)], wanted=5, choice=Random(1)) == []  # noqa: S311


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([], "0 pairs, 0% duplicates"),
        ([1.0], "1 pair, 100% duplicates"),
        ([1.0, 0.0, 0.9, 0.2], "4 pairs, 50% duplicates"),
        ([0.0] * 1_500, "1,500 pairs, 0% duplicates"),
    ],
)
def test_how_balanced_a_mix_is_is_said_in_a_sentence(labels: list[float], said: str) -> None:
    assert balance([of(2, label) for label in labels]) == said


def test_kin_come_from_the_word_embeddings_of_a_model(tmp_path: Path) -> None:
    make_tokenizer(BERT).save(str(tmp_path / "tokenizer.json"))
    held = np.random.default_rng(3).normal(size=(len(WORDS), 4)).astype(np.float32)
    held[WORDS.index("fold")] = held[WORDS.index("jacket")] + 0.4
    save_file({"bert.embeddings.word_embeddings.weight": held}, tmp_path / "model.safetensors")
    gold = [LabelledPair("I like to fold", "One jacket to fold", 1.0)] * 9

    kin = kin_of(tmp_path, gold)

    assert set(kin) <= {"fold", "jacket"}


@pytest.mark.parametrize("broken", ["nothing", "weights", "name"])
def test_a_model_without_word_embeddings_is_named(tmp_path: Path, broken: str) -> None:
    if broken != "nothing":
        make_tokenizer(BERT).save(str(tmp_path / "tokenizer.json"))
    if broken == "weights":
        (tmp_path / "model.safetensors").write_bytes(b"no weights")
    if broken == "name":
        save_file({"other": np.zeros((2, 2), np.float32)}, tmp_path / "model.safetensors")

    with pytest.raises(UnreadableModelError, match="no word embeddings"):
        kin_of(tmp_path, [])
