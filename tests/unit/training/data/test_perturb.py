from random import Random

import numpy as np
import pytest

from training.data import perturb
from training.data.kin import word_kin
from training.data.mining import hard_negatives, inferred_negatives, neighbours
from training.data.mix import MixConfig, build
from training.data.pairs import LabelledPair
from training.data.splits import Components

CHOICE = Random(1)  # noqa: S311  # no secret
KIN = {
    "good": ["bad"],
    "bad": ["good"],
    "paris": ["rome"],
    "rome": ["paris"],
    "cats": ["dogs"],
    "dogs": ["cats"],
}


@pytest.mark.parametrize(
    ("edit", "question", "expected"),
    [
        (perturb.swap_kindred, "Can a good man turn bad?", "Can a bad man turn good?"),
        (perturb.swap_kindred, "Are cats or dogs better?", None),
        (perturb.swap_kindred, "Is it raining?", None),
        (
            perturb.swap_direction,
            "How far is it from Paris to Rome?",
            "How far is it from Rome to Paris?",
        ),
        (perturb.swap_direction, "How do I go to bed?", None),
        (perturb.replace_name, "Is it warm in Rome?", "Is it warm in Paris?"),
        (perturb.replace_name, "Rome is warm", None),
        (perturb.change_number, "Who won in 2016?", None),
        (perturb.negate, "Why do people like rain?", "Why do people not like rain?"),
        (perturb.negate, "What is rain?", None),
        (perturb.turn_opposite, "How do I gain weight?", "How do I lose weight?"),
        (perturb.turn_opposite, "Before lunch?", "After lunch?"),
        (perturb.swap_equals, "Should I get cats or dogs?", "Should I get dogs or cats?"),
        (
            perturb.swap_equals,
            "What lies between the sea and the sky?",
            "What lies between the sky and the sea?",
        ),
        (perturb.swap_equals, "Now or never?", None),
        (perturb.front_place, "What can I eat in Rome?", "In Rome, what can I eat?"),
        (perturb.front_place, "What can I eat in winter?", None),
    ],
)
def test_an_edit_says_what_it_means_to(
    edit: perturb.Edit, question: str, expected: str | None
) -> None:
    assert edit(question, KIN, CHOICE) == expected


def test_a_changed_number_is_another_number() -> None:
    changed = perturb.change_number("Is 30 too old?", KIN, CHOICE)

    assert changed is not None
    assert changed != "Is 30 too old?"
    assert changed.startswith("Is ")


def test_no_more_is_made_up_than_was_wanted() -> None:
    texts = ["Should I go?", "Can you see me?", "Why?"]

    made = list(
        perturb.made_up(
            texts, KIN, edits={perturb.negate: 1, perturb.change_number: 5}, choice=CHOICE
        )
    )

    assert [edit for _, _, edit in made] == [perturb.negate]


def test_kin_are_neighbours_of_one_kind_and_not_forms_of_one_word() -> None:
    texts = ["He saw Rome, cats, dogs and a cat, so Paris saw rain"] * 5
    vocabulary = {"rome": 0, "paris": 1, "cats": 2, "dogs": 3, "cat": 4, "rain": 5}
    vectors = np.array(
        [[1, 0.2, 0], [0.8, 0.7, 0], [0, 1, 0.3], [0, 0.7, 0.8], [0, 1, 0.3], [-1, -1, 0.5]],
        np.float32,
    )

    kin = word_kin(texts, vocabulary, vectors, closest=1.1, least_uses=1)

    assert kin.get("cats") == ["dogs"]
    assert "cats" not in kin.get("rome", [])


def test_neighbours_are_the_nearest_within_the_bounds() -> None:
    vectors = np.array([[1, 0], [0.96, 0.28], [0.8, 0.6], [0, 1]], np.float32)

    found = list(neighbours(vectors, np.array([0]), low=0.5, high=0.9, limit=2))

    assert [(a, b) for a, b, _ in found] == [(0, 2)]
    assert found[0][2] == pytest.approx(0.8)


def test_no_chain_of_duplicates_joins_a_hard_negative() -> None:
    texts = ["a", "b", "c", "d"]
    close = [(0, 2, 0.9), (0, 3, 0.8), (3, 0, 0.8)]

    assert hard_negatives(close, texts, Components([("a", "b"), ("b", "c")])) == [("a", "d")]


def test_a_duplicate_of_one_side_differs_from_the_other_side() -> None:
    found = inferred_negatives([("b", "c")], [("a", "b")])

    assert found == [("a", "c")]


def test_what_is_known_to_be_a_duplicate_is_not_inferred_to_differ() -> None:
    assert inferred_negatives([("b", "c"), ("a", "c")], [("a", "b")]) == []


def test_a_mix_is_repeatable_and_shares_nothing_with_the_sets_kept_apart() -> None:
    gold = [
        LabelledPair(f"Should I visit town {i}?", f"Should one visit town {i}?", float(i % 2))
        for i in range(40)
    ]
    apart, extra = gold[:5], [LabelledPair("Is this soft?", "Is it soft?", 0.4)]
    config = MixConfig(gold=30, edits={perturb.negate: 6})

    one = build(config, gold=gold, extra=extra, kept_apart=apart, kin=KIN)

    assert one == build(config, gold=gold, extra=extra, kept_apart=apart, kin=KIN)
    assert extra[0] in one
    hidden = {text for pair in apart for text in (pair.question1, pair.question2)}
    assert not hidden & {text for pair in one for text in (pair.question1, pair.question2)}
    assert sum("not visit" in pair.question2 for pair in one) > 0
