"""Candidate pairs as arrays: some of them, and how dense their forum is around them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from worker.matching.near import Near
from worker.scoring.density import MOST

PAIRS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.floats(-1, 1, width=16)), max_size=12
)


def near(rows: list[tuple[int, int, float]]) -> Near:
    if not rows:
        return Near.none()
    left, right, cosine = zip(*rows, strict=True)
    return Near(np.array(left), np.array(right), np.array(cosine, np.float16), capped=2)


@given(PAIRS)
def test_pairs_and_cosines_are_those_that_were_given(rows: list[tuple[int, int, float]]) -> None:
    made = near(rows)

    assert len(made) == len(rows)
    assert made.pairs.tolist() == [[left, right] for left, right, _ in rows]
    assert made.pairs.dtype == np.int32
    assert made.cosines.dtype == np.float32
    assert made.cosines.tolist() == [cosine for *_, cosine in rows]


@given(PAIRS, st.data())
def test_some_of_the_pairs_keep_all_that_is_known_of_them(
    rows: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    made = near(rows).surrounded(lambda ids: (ids / 100).astype(np.float32))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)) if rows else st.just([]))

    some = made.take(np.array(chosen, np.int64))

    assert some.pairs.tolist() == [list(rows[place][:2]) for place in chosen]
    assert some.capped == made.capped
    assert some.density is not None
    assert some.density.tolist() == [made.density[place] for place in chosen]  # type: ignore[index]


@given(PAIRS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_mask_takes_what_its_places_take(
    rows: list[tuple[int, int, float]], wanted: list[bool]
) -> None:
    made, mask = near(rows), np.array(wanted[: len(rows)], bool)

    by_mask, by_place = made.take(mask), made.take(np.flatnonzero(mask))

    assert by_mask.pairs.tolist() == by_place.pairs.tolist()
    assert by_mask.density is by_place.density is None


@given(PAIRS)
def test_each_question_is_asked_about_once_and_a_pair_has_the_mean(
    rows: list[tuple[int, int, float]],
) -> None:
    asked: list[int] = []

    def tell(ids: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.extend(ids.tolist())
        return (ids / 20).astype(np.float32)

    made = near(rows).surrounded(tell)

    assert asked == sorted({one for left, right, _ in rows for one in (left, right)})
    wanted = [min((left + right) / 40, MOST) for left, right, _ in rows]
    assert made.density is not None
    assert made.density.tolist() == pytest.approx(wanted)


def test_around_a_question_that_is_not_known_density_counts_nothing() -> None:
    made = near([(1, 2, 0.5), (2, 3, 0.5)]).surrounded(
        lambda _: np.array([np.nan, 0.1, 0.1], np.float32)
    )

    assert made.density is not None
    assert made.density.tolist() == pytest.approx([0.0, 0.1])


def test_where_nothing_is_told_pairs_stay_as_they_are() -> None:
    made = near([(1, 2, 0.5)])

    assert made.surrounded(lambda _: None) is made
