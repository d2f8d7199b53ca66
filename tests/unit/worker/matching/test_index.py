"""An index holds what was put into it last, and nothing that was dropped, whatever came between."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.matching import index
from worker.matching.index import VectorIndex

DIMENSION = 8
NEAR = 0.02
"""By how much a cosine of bytes may be off here: a few times what is usual for longer vectors."""

IDS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(IDS, max_size=12, unique=True)),
        st.tuples(st.just("drop"), st.lists(IDS, max_size=8)),
        st.tuples(st.just("settle"), st.just([])),
    ),
    max_size=12,
)


def drawn(count: int, *, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / lengths).astype(np.float32)


def played(
    steps: list[tuple[str, list[int]]],
) -> tuple[VectorIndex, dict[int, NDArray[np.float32]]]:
    """Return an index after these steps, and what it has to hold."""
    held, truth = VectorIndex(DIMENSION), dict[int, NDArray[np.float32]]()
    play(steps, held, truth)
    return held, truth


def play(
    steps: list[tuple[str, list[int]]],
    held: VectorIndex,
    truth: dict[int, NDArray[np.float32]],
    *,
    seed: int = 0,
) -> None:
    """Do these steps to an index, and to what it has to hold."""
    for place, (kind, ids) in enumerate(steps, start=seed):
        if kind == "put":
            vectors = drawn(len(ids), seed=place)
            held.put(np.array(ids, np.int64), vectors)
            truth.update(zip(ids, vectors, strict=True))
        elif kind == "drop":
            held.drop(ids)
            for one in ids:
                truth.pop(one, None)
        else:
            held.settle(at_once=True)


@settings(max_examples=40)
@given(STEPS)
def test_it_holds_what_was_put_last_and_not_dropped(steps: list[tuple[str, list[int]]]) -> None:
    held, truth = played(steps)

    found = held.vectors(np.arange(31))

    assert len(held) == len(truth)
    for one, vector in enumerate(found):
        assert vector == pytest.approx(truth.get(one, np.zeros(DIMENSION)), abs=NEAR)


@settings(max_examples=40)
@given(STEPS, st.sampled_from([-1.1, -0.005, 0.0, 0.4]))
def test_a_search_finds_every_vector_that_is_near_and_none_that_is_gone(
    steps: list[tuple[str, list[int]]], floor: float
) -> None:
    held, truth = played(steps)
    asked = drawn(3, seed=99)

    found = held.search(asked, floor=floor, limit=1_000)

    got = list(zip(found.asked.tolist(), found.ids.tolist(), strict=True))
    exact = {(row, one): float(asked[row] @ truth[one]) for row in range(3) for one in truth}
    assert len(got) == len(set(got))
    assert {pair for pair, cosine in exact.items() if cosine >= floor + NEAR} <= set(got)
    for pair, cosine in zip(got, found.cosines.tolist(), strict=True):
        assert exact[pair] == pytest.approx(cosine, abs=NEAR)


@settings(max_examples=40)
@given(STEPS, st.integers(1, 6))
def test_a_question_gets_its_nearest_and_no_more_than_wanted(
    steps: list[tuple[str, list[int]]], limit: int
) -> None:
    held, truth = played(steps)
    asked = drawn(3, seed=7)

    few, all_ = (held.search(asked, floor=-1.1, limit=count) for count in (limit, 1_000))

    for row in range(3):
        mine = all_.cosines[all_.asked == row].tolist()
        assert mine == sorted(mine, reverse=True)
        assert few.ids[few.asked == row].tolist() == all_.ids[all_.asked == row].tolist()[:limit]
    assert len(all_.ids) == 3 * len(truth)


@settings(max_examples=40)
@given(STEPS, st.integers(0, 40))
def test_a_sample_is_the_same_however_the_vectors_came(
    steps: list[tuple[str, list[int]]], count: int
) -> None:
    held, truth = played(steps)
    fresh = VectorIndex(DIMENSION)
    for one, vector in sorted(truth.items()):
        fresh.add(np.array([one]), vector[None])

    ids, vectors = held.sample(count)

    assert len(ids) == min(count, len(truth))
    assert sorted(ids.tolist()) == sorted(fresh.sample(count)[0].tolist())
    for one, vector in zip(ids.tolist(), vectors, strict=True):
        assert vector == pytest.approx(truth[one], abs=NEAR)


@settings(max_examples=40)
@given(STEPS)
def test_what_is_dropped_leaves_no_byte_behind(steps: list[tuple[str, list[int]]]) -> None:
    held, truth = played(steps)

    held.drop(list(truth))

    assert len(held) == 0
    assert not held.search(drawn(2, seed=1), floor=-1.1, limit=9).ids.size
    for rows in (held._base, held._tail):  # noqa: SLF001  # nothing else shows the bytes
        assert not rows.codes.any()


def test_an_empty_index_finds_nothing() -> None:
    held = VectorIndex(DIMENSION)
    held.settle(at_once=True)
    held.drop([1, 2])

    found = held.search(drawn(2, seed=1), floor=-1.1, limit=9)

    assert (len(held), len(found.ids), len(found.cosines)) == (0, 0, 0)
    assert held.sample(5)[1].shape == (0, DIMENSION)
    assert not held.vectors(np.array([1])).any()


def test_few_new_vectors_are_not_sorted_in_yet_and_many_are() -> None:
    held = VectorIndex(DIMENSION)
    held.add(np.arange(2_048), drawn(2_048, seed=1))
    held.settle()
    few = len(held._base.ids)  # noqa: SLF001  # nothing else shows where they are
    held.add(np.array([5_000]), drawn(1, seed=2))
    held.settle()

    assert (few, len(held._base.ids)) == (0, 2_049)  # noqa: SLF001
    assert len(held) == 2_049


def test_memory_is_at_most_twice_that_of_the_vectors_however_they_come() -> None:
    held, vectors = VectorIndex(DIMENSION), drawn(1_000, seed=1)
    for place in range(1_000):
        held.add(np.array([place]), vectors[place : place + 1])
    grown = held.nbytes
    held.settle(at_once=True)

    row = DIMENSION + 20
    assert 1_000 * row <= held.nbytes < grown + 64 * row
    assert grown <= 2 * 1_000 * row + 64 * row


def test_clusters_take_a_changed_vector_out_of_the_old_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "EXACT", 100)
    held = VectorIndex(DIMENSION)
    held.add(np.arange(400), drawn(400, seed=1))
    held.settle(at_once=True)
    moved = drawn(1, seed=5)
    held.put(np.array([17]), moved)
    held.settle(at_once=True)

    found = held.search(moved, floor=0.98, limit=5)

    assert 17 in found.ids.tolist()
    assert len(held) == 400
    assert held.vectors(np.array([17]))[0] == pytest.approx(moved[0], abs=NEAR)


def test_an_index_that_shrinks_compares_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "EXACT", 100)
    held, vectors = VectorIndex(DIMENSION), drawn(400, seed=1)
    held.add(np.arange(400), vectors)
    held.settle(at_once=True)
    held.drop(range(50, 400))
    held.add(np.array([999]), drawn(1, seed=6))
    held.settle(at_once=True)

    found = held.search(vectors[:50], floor=-1.1, limit=1_000)

    assert len(held) == 51
    assert len(found.ids) == 50 * 51


@settings(max_examples=40)
@given(STEPS, STEPS)
def test_what_changes_while_it_is_settled_is_kept(
    steps: list[tuple[str, list[int]]], meanwhile: list[tuple[str, list[int]]]
) -> None:
    held, truth = played(steps)
    plan = held._planned()  # noqa: SLF001  # as `settle` does, with changes in between
    changes = [one for one in meanwhile if one[0] != "settle"]
    play(changes, held, truth, seed=50)
    held._move(plan[2], plan[3], count=1)  # noqa: SLF001

    found = held.vectors(np.arange(31))
    near = held.search(drawn(1, seed=3), floor=-1.1, limit=100)

    assert len(held) == len(truth)
    assert sorted(near.ids.tolist()) == sorted(truth)
    for one, vector in enumerate(found):
        assert vector == pytest.approx(truth.get(one, np.zeros(DIMENSION)), abs=NEAR)


def test_one_question_finds_what_it_finds_among_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "EXACT", 100)
    monkeypatch.setattr(index, "COMPARED", 100)
    held, vectors = VectorIndex(DIMENSION), drawn(1_000, seed=1)
    held.add(np.arange(1_000), vectors)
    held.settle(at_once=True)

    many = held.search(vectors[:20], floor=0.9, limit=1_000)

    for row in range(20):
        alone = held.search(vectors[row : row + 1], floor=0.9, limit=1_000)
        assert alone.ids.tolist() == many.ids[many.asked == row].tolist()
        assert row in alone.ids.tolist()


def test_new_vectors_join_the_clusters_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "EXACT", 100)
    held = VectorIndex(DIMENSION)
    held.add(np.arange(400), drawn(400, seed=1))
    held.settle(at_once=True)
    clusters = held._clusters  # noqa: SLF001  # nothing else shows them
    held.add(np.arange(400, 500), drawn(100, seed=2))
    held.settle(at_once=True)
    few = held._clusters  # noqa: SLF001
    held.add(np.arange(500, 3_000), drawn(2_500, seed=3))
    held.settle(at_once=True)

    assert clusters is few
    assert held._clusters is not few  # noqa: SLF001
    assert len(held) == 3_000
