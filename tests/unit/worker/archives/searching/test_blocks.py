"""Exact block search against the plainest search there is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.archives.searching.blocks import BlockSearch, all_near, keep_nearest
from worker.archives.searching.products import NumpySearch, Search


def unit(count: int, *, dimension: int = 16, seed: int = 0) -> NDArray[np.float16]:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


def plain(vectors: NDArray[np.float16], floor: float) -> set[tuple[int, int]]:
    exact = vectors.astype(np.float32)
    rows, columns = np.nonzero(np.triu(exact @ exact.T, 1) >= floor)
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


def as_set(left: NDArray[np.int64], right: NDArray[np.int64]) -> set[tuple[int, int]]:
    return set(zip(left.tolist(), right.tolist(), strict=True))


class _AsOnGpu(BlockSearch):
    """Every step as on a GPU, and in its precision."""

    is_on_gpu = True


each_search = pytest.mark.parametrize(
    "search",
    [
        BlockSearch("cpu", dtype=torch.float32),
        BlockSearch("cpu", dtype=torch.bfloat16),
        BlockSearch("cpu", dtype=torch.int8),
        _AsOnGpu("cpu", dtype=torch.float16),
        NumpySearch(),
    ],
    ids=["fp32", "bf16", "int8", "gpu", "numpy"],
)


@each_search
def test_every_pair_over_the_floor_is_found_once(search: Search) -> None:
    vectors = unit(3_000)

    found = all_near(vectors, floor=0.7, top_k=3_000, search=search, block=1_100)

    assert as_set(found.left, found.right) == plain(vectors, 0.7)
    assert len(found) == len(as_set(found.left, found.right))
    exact = vectors.astype(np.float32)
    wanted = (exact[found.left] * exact[found.right]).sum(1)
    np.testing.assert_allclose(found.cosine, wanted, atol=1e-5)
    assert found.capped == 0


@each_search
@pytest.mark.parametrize("same", [True, False])
def test_a_tile_that_gives_way_finds_the_same_pairs_in_parts(search: Search, same: bool) -> None:
    left = unit(3_000)
    right = left if same else unit(2_500, seed=1)
    found, ends = set(), [0]

    while ends[-1] < len(left):
        near, end = search.tile(
            left, right, floor=0.7, top_k=3_000, same=same, first=ends[-1], is_wanted=lambda: True
        )
        found |= as_set(near.left, near.right)
        ends.append(end)

    whole, _ = search.tile(left, right, floor=0.7, top_k=3_000, same=same)
    assert ends == [0, 1_024, 2_048, 3_000]
    assert found == as_set(whole.left, whole.right)


def test_progress_counts_every_comparison() -> None:
    done: list[int] = []

    all_near(
        unit(250),
        floor=0.9,
        top_k=10,
        search=BlockSearch("cpu"),
        block=100,
        on_tile=done.append,
    )

    assert sum(done) == 250 * 249 // 2


@each_search
def test_a_template_keeps_its_nearest_and_is_reported(search: Search) -> None:
    base, noise = unit(1)[0], unit(2_000, seed=1).astype(np.float32)
    crowd = base.astype(np.float32) + 0.2 * noise
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)

    found = all_near(crowd.astype(np.float16), floor=0.5, top_k=20, search=search, block=700)

    assert found.capped == 2_000
    assert len(found) <= 20 * 2_000
    halves = crowd.astype(np.float16).astype(np.float32)
    similarity = halves @ halves.T - 3 * np.eye(2_000)
    best = np.argsort(-similarity, axis=1)[:, :20]
    wanted = {tuple(sorted((row, int(c)))) for row in range(2_000) for c in best[row]}
    kept = as_set(found.left, found.right)
    assert len(wanted & kept) / len(wanted) > 0.99


def test_nothing_in_nothing_out() -> None:
    found = all_near(unit(0), floor=0.5, top_k=5, search=BlockSearch("cpu"))

    assert len(found) == 0


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 9), st.integers(10, 19)), st.integers(0, 50), max_size=60
    ),
    st.integers(1, 5),
)
def test_a_pair_stays_when_it_is_among_the_nearest_of_either_side(
    scored: dict[tuple[int, int], int], top_k: int
) -> None:
    left = np.array([low for low, _ in scored], dtype=np.int64)
    right = np.array([high for _, high in scored], dtype=np.int64)
    cosine = np.array(list(scored.values()), dtype=np.float32)

    kept = keep_nearest(left, right, cosine, top_k=top_k)

    stays = as_set(kept.left, kept.right)
    for (low, high), score in scored.items():
        better = [
            sum(other > score for pair, other in scored.items() if end in pair)
            for end in (low, high)
        ]
        ties = [
            sum(other >= score for pair, other in scored.items() if end in pair)
            for end in (low, high)
        ]
        if any(count <= top_k for count in ties):
            assert (low, high) in stays
        if all(count >= top_k for count in better):
            assert (low, high) not in stays


@pytest.mark.gpu
def test_a_gpu_finds_what_the_cpu_finds() -> None:
    vectors = unit(5_000, dimension=64)

    on_cpu = all_near(vectors, floor=0.5, top_k=100, search=BlockSearch("cpu"))
    on_gpu = all_near(vectors, floor=0.5, top_k=100, search=BlockSearch("cuda"))

    assert as_set(on_cpu.left, on_cpu.right) == as_set(on_gpu.left, on_gpu.right)


@pytest.mark.parametrize("top_k", [1, 3, 50])
@pytest.mark.parametrize("same", [True, False])
def test_numpy_finds_what_pytorch_finds_in_a_crowd_too(top_k: int, *, same: bool) -> None:
    base, noise = unit(1)[0], unit(1_500, seed=1).astype(np.float32)
    crowd = base + 0.4 * noise
    left = (crowd / np.linalg.norm(crowd, axis=1, keepdims=True)).astype(np.float16)
    right = left if same else left[::-1][:1_200].copy()
    torch_search = BlockSearch("cpu", dtype=torch.float32)

    ours, _ = NumpySearch().tile(left, right, floor=0.8, top_k=top_k, same=same)
    theirs, _ = torch_search.tile(left, right, floor=0.8, top_k=top_k, same=same)

    both = as_set(ours.left, ours.right) & as_set(theirs.left, theirs.right)
    assert len(both) >= 0.999 * len(theirs)  # a tie may fall to either side
    assert abs(len(ours) - len(theirs)) <= 0.001 * len(theirs)
