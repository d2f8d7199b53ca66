import random
from collections import Counter

import pytest

from training.data.mix import MixConfig, build
from training.data.pairs import LabelledPair
from training.data.templates import Family, families, from_templates


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # no secret


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_every_template_of_a_family_has_the_slots_of_its_change(family: Family) -> None:
    slots = {
        "swap": ("{a}", "{b}"),
        "turn": ("{a}", "{b}"),
        "replace": ("{a}",),
        "synonym": ("{a}",),
        "number": ("{n}",),
        "reword": ("{o}",),
    }[family.change]

    assert all(slot in template for template in family.templates for slot in slots)
    assert all(len(pair) == 2 for pair in family.values)


def test_pairs_differ_and_have_both_labels() -> None:
    made = from_templates(2_000, seeded(1))

    labels = Counter(pair.label for pair in made)
    assert len(made) == 2_000
    assert all(pair.question1 != pair.question2 for pair in made)
    assert labels[0.0] > labels[1.0] > 300


def test_a_changed_direction_is_another_question() -> None:
    made = from_templates(500, seeded(2))

    swapped = [p for p in made if p.label == 0.0 and "convert" in p.question1.lower()]
    words = [(set(p.question1.lower().split()), p) for p in swapped]
    assert any(left == set(p.question2.lower().split()) for left, p in words)


def test_the_same_seed_makes_the_same_pairs() -> None:
    assert from_templates(50, seeded(7)) == from_templates(50, seeded(7))
    assert from_templates(50, seeded(7)) != from_templates(50, seeded(8))


def test_a_mix_takes_as_many_as_it_is_asked_for() -> None:
    gold = [LabelledPair(f"What is {n}?", f"Why is it {n}?", float(n % 2)) for n in range(20)]
    config = MixConfig(templates=40, joined=0, edits={})

    without = build(MixConfig(joined=0, edits={}), gold=gold, kin={})

    assert len(build(config, gold=gold, kin={})) == len(without) + 40
