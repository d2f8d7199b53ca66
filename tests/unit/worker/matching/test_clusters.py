"""Clusters in two levels: each vector is in a near one, and all of them are used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.matching.clusters import SAMPLE, Clusters


def drawn(count: int, *, seed: int, places: int = 0) -> NDArray[np.float32]:
    """Return unit vectors, (count, 16), at random or around some *places*."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 16))
    if places:
        around = random.normal(size=(places, 16))
        vectors = around[random.integers(places, size=count)] + 0.3 * vectors
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


@settings(max_examples=30)
@given(st.integers(1, 600), st.integers(0, 3))
def test_centres_are_of_unit_length_and_one_for_so_many_vectors(count: int, seed: int) -> None:
    clusters = Clusters.of(drawn(count, seed=seed))

    groups = len(clusters.groups)
    assert count / SAMPLE <= len(clusters) <= count / SAMPLE + groups
    assert clusters.starts.tolist() == sorted(set(clusters.starts.tolist()))
    assert (clusters.starts[0], clusters.starts[-1]) == (0, len(clusters))
    assert np.linalg.norm(clusters.centres, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_same_vectors_make_the_same_clusters() -> None:
    one, other = (Clusters.of(drawn(500, seed=1)) for _ in range(2))

    assert (one.centres == other.centres).all()


@settings(max_examples=30)
@given(st.integers(1, 90), st.integers(0, 3))
def test_with_few_groups_the_nearest_of_all_clusters_is_found(count: int, seed: int) -> None:
    vectors = drawn(count, seed=seed)
    clusters = Clusters.of(vectors)

    found = clusters.nearest(vectors)

    assert len(clusters.groups) <= 3
    assert found.tolist() == (vectors @ clusters.centres.T).argmax(axis=1).tolist()


def test_with_many_groups_most_vectors_are_in_the_nearest_cluster() -> None:
    vectors = drawn(4_000, seed=1, places=60)
    clusters = Clusters.of(vectors)

    found = clusters.nearest(vectors)

    cosines = vectors @ clusters.centres.T
    assert len(clusters.groups) > 10
    assert (found == cosines.argmax(axis=1)).mean() > 0.9
    assert (cosines[np.arange(4_000), found] >= cosines.max(axis=1) - 0.3).all()


def test_no_vectors_have_no_clusters() -> None:
    clusters = Clusters.of(drawn(100, seed=1))

    assert clusters.nearest(np.zeros((0, 16), np.float32)).tolist() == []
