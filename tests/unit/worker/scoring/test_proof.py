import pytest

from db.review.insight import Judged
from worker.scoring.proof import certified


def judged(*bands: tuple[float, int, int]) -> list[Judged]:
    """Return judged pairs: a score, how many were right with it, and how many wrong."""
    return [
        Judged(pair_id=1, score=score, is_duplicate=is_right)
        for score, right, wrong in bands
        for is_right in [True] * right + [False] * wrong
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (judged((0.9, 87, 0)), None),
        (judged((0.9, 88, 0)), 0.9),
        (judged((0.9, 100, 0), (0.8, 50, 0)), 0.8),
        (judged((0.9, 100, 0), (0.8, 50, 20)), 0.9),
        (judged((0.9, 100, 0), (0.8, 50, 20), (0.7, 2_000, 0)), 0.9),  # not across what is not good
        ([], None),
    ],
)
def test_a_score_is_certified_as_far_down_as_every_step_is_proved(
    found: list[Judged], expected: float | None
) -> None:
    assert certified(found, 0.95) == expected


def test_many_scores_are_tried_in_steps() -> None:
    found = [Judged(pair_id=n, score=1 - n / 5_000, is_duplicate=True) for n in range(4_000)]

    lowest = certified(found, 0.95)

    assert lowest is not None
    assert lowest == pytest.approx(1 - 3_999 / 5_000, abs=0.02)
