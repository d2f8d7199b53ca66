"""Batches of questions of similar length."""

from itertools import chain, pairwise

from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from training.recipes.batches import LengthBatchSampler

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=40)


def sampler(lengths: list[int], *, size: int, drop_last: bool = False) -> LengthBatchSampler:
    rows = {"one": ["x" * n for n in lengths], "label": [0.0] * len(lengths)}
    return LengthBatchSampler(Dataset.from_dict(rows), size, drop_last, seed=7)


@settings(max_examples=25)
@given(LENGTHS, st.integers(1, 9))
def test_each_row_is_in_one_batch_and_only_full_ones_are_kept_if_so_wanted(
    lengths: list[int], size: int
) -> None:
    every, full = sampler(lengths, size=size), sampler(lengths, size=size, drop_last=True)

    batches, kept = list(every), list(full)

    assert sorted(chain(*batches)) == list(range(len(lengths)))
    assert (len(batches), len(kept)) == (len(every), len(full))
    assert all(len(batch) == size for batch in kept)
    assert sorted(map(len, batches))[1:] == [size] * (len(batches) - 1)


@settings(max_examples=25)
@given(LENGTHS, st.integers(1, 9))
def test_no_batch_reaches_into_the_lengths_of_another(lengths: list[int], size: int) -> None:
    spans = sorted(
        (min(lengths[row] for row in batch), max(lengths[row] for row in batch))
        for batch in sampler(lengths, size=size)
    )

    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_the_order_is_that_of_the_seed_and_the_epoch() -> None:
    lengths = list(range(30))
    first, again, later = (sampler(lengths, size=4) for _ in range(3))
    later.set_epoch(1)

    assert list(first) == list(again)
    assert list(first) != list(later)
