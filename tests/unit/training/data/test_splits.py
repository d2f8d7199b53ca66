import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair
from training.data.reading import read_pairs
from training.data.splits import LeakError, check_leaks, save, split, without_leaks
from training.recipes.runs import dev_halves

pairs = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()).map(
        lambda row: LabelledPair(f"question {row[0]}", f"question {row[1]}", float(row[2]))
    ),
    max_size=80,
)


@given(pairs, st.integers())
def test_no_question_is_in_two_parts_and_no_pair_is_lost(
    rows: list[LabelledPair], seed: int
) -> None:
    found = split(rows, seed=seed)

    where: dict[str, str] = {}
    for name, part in found.parts.items():
        for pair in part:
            assert where.setdefault(pair.question1, name) == name
            assert where.setdefault(pair.question2, name) == name
    assert sorted(map(repr, rows)) == sorted(repr(p) for part in found.parts.values() for p in part)


@given(pairs, st.integers(), st.randoms())
def test_the_same_seed_gives_the_same_parts_in_any_order(
    rows: list[LabelledPair], seed: int, choice: Random
) -> None:
    shuffled = list(rows)
    choice.shuffle(shuffled)

    one, other = split(rows, seed=seed), split(shuffled, seed=seed)

    for name in one.parts:
        assert sorted(map(repr, one.parts[name])) == sorted(map(repr, other.parts[name]))


def test_parts_come_near_to_their_shares_and_change_with_the_seed() -> None:
    rows = [LabelledPair(f"left {i}", f"right {i}", 1.0) for i in range(2_000)]

    one, other = split(rows, seed=1), split(rows, seed=2)

    assert 0.87 < len(one.parts["train"]) / len(rows) < 0.93
    assert one.parts["dev"] != other.parts["dev"]


def test_a_chain_of_pairs_stays_together_though_spelt_differently() -> None:
    chain = [LabelledPair(f"Step {i}?", f"step {i + 1}", 0.0) for i in range(100)]

    found = split(chain, seed=3, shares={"train": 0.5, "dev": 0.5})

    assert sorted(len(part) for part in found.parts.values()) == [0, 100]


def test_a_leak_fails_loudly_and_names_the_question() -> None:
    train = [LabelledPair("Who am I?", "Who are you?", 0.0)]
    dev = [LabelledPair("Why?", "who am  I", 1.0)]

    with pytest.raises(LeakError, match=r"'who am  I' is in 'train' and in 'dev'"):
        check_leaks({"train": train, "dev": dev})


def test_pairs_with_a_question_kept_apart_are_dropped() -> None:
    apart = [LabelledPair("Who am I?", "Why?", 0.0)]
    kept, dropped = LabelledPair("When?", "Where?", 0.0), LabelledPair("WHY", "Where?", 0.0)

    assert without_leaks([kept, dropped], apart) == [kept]


@pytest.mark.parametrize("shares", [{"train": 0.7}, {"train": 1.5, "dev": -0.5}])
def test_shares_that_make_no_whole_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match="must add up to 1"):
        split([], seed=1, shares=shares)


def test_a_split_is_written_with_its_manifest(tmp_path: Path) -> None:
    rows = [LabelledPair(f"left {i}", f"right {i}", float(i % 2)) for i in range(200)]
    found = split(rows, seed=7)

    save(found, tmp_path)

    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 7
    assert manifest["parts"]["dev"]["pairs"] == len(found.parts["dev"])
    read = read_pairs(tmp_path / "train.jsonl")
    assert read.pairs == found.parts["train"]
    assert read.sha256 == manifest["parts"]["train"]["sha256"]


def test_a_part_that_is_split_again_by_the_same_seed_does_not_fall_into_one_part() -> None:
    rows = [LabelledPair(f"question {n}", f"other {n}", float(n % 2)) for n in range(2_000)]

    first = split(rows, seed=1).parts
    kept = split(first["train"], seed=1, shares={"train": 0.9, "dev": 0.1}).parts
    halves = dev_halves(first["dev"], seed=1)

    assert len(kept["dev"]) > len(first["train"]) / 20
    assert min(len(half) for half in halves.values()) > len(first["dev"]) / 4
