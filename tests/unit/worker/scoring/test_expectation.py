import itertools

import numpy as np
import pytest

from worker.scoring.expectation import THRESHOLDS, Survey, expect, suggest, table


def survey(*bands: tuple[float, int, int], known_far: int = 0) -> Survey:
    """Return a survey of 100 of 1,000 questions; a band is a probability, its pairs, known ones."""
    probability, is_known = [], []
    for value, count, known in bands:
        probability += [value] * count
        is_known += [place < known for place in range(count)]
    held = np.array(probability)
    flags = np.array(is_known, dtype=np.bool_)
    return Survey(
        questions=1_000,
        sampled=100,
        probability=held,
        weight=np.full(len(held), 0.5),
        is_known=flags,
        known=np.concatenate([held[flags], np.zeros(known_far)]),
        density=0.5,
    )


def test_flags_are_counted_up_to_the_whole_forum_and_links_prove_some_right() -> None:
    found = expect(survey((0.9, 40, 30), (0.4, 20, 0), known_far=10), 0.6)

    assert found.flags == 200  # 40 pairs, each seen from one of its two questions, times ten
    assert found.said == pytest.approx(0.9)
    assert (found.looked.right, found.looked.count) == (30, 40)
    assert (found.found, found.known) == (30, 40)
    assert 0.6 < found.at_least < 0.75


def test_a_lower_threshold_is_proposed_as_far_as_it_is_proved() -> None:
    seen = survey((0.9, 60, 58), (0.62, 40, 38), (0.47, 100, 20))

    assert suggest(seen, 0.8) == 0.5
    assert suggest(seen, 0.5) is None


@pytest.mark.parametrize(
    "seen",
    [
        survey((0.9, 60, 20), (0.6, 60, 20)),  # people have linked too few of the flags
        survey((0.9, 19, 19)),  # too few are linked at all
        survey(),
    ],
)
def test_nothing_is_proposed_where_nothing_is_proved(seen: Survey) -> None:
    assert suggest(seen, 0.8) is None


def test_the_table_has_the_threshold_in_force() -> None:
    rows = table(survey((0.9, 5, 5)), 0.6365)

    assert [row.threshold for row in rows] == sorted({*THRESHOLDS[::2], 0.6365})
    assert all(one.flags >= other.flags for one, other in itertools.pairwise(rows))
