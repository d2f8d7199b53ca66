from datetime import UTC, datetime

import pytest

from worker.scoring.assurance import ELSEWHERE, Judgement, Standing, assure

THEN = datetime(2026, 3, 1, tzinfo=UTC)


def judgements(right: int, wrong: int) -> list[Judgement]:
    found = [Judgement(is_right=True, at=THEN)] * right
    return found + [Judgement(is_right=False, at=THEN)] * wrong


@pytest.mark.parametrize(
    ("right", "wrong", "standing"),
    [
        (19, 0, Standing.NOT_MEASURED),
        (20, 0, Standing.MEASURED),
        (87, 0, Standing.MEASURED),
        (88, 0, Standing.CERTIFIED),
        (133, 1, Standing.CERTIFIED),
        (0, 200, Standing.MEASURED),
    ],
)
def test_enough_decisions_measure_and_good_ones_certify(
    right: int, wrong: int, standing: Standing
) -> None:
    found = assure(judgements(right, wrong))

    assert found.standing is standing
    assert (found.right, found.decided) == (right, right + wrong)
    assert (found.at_least is None) == (standing is Standing.NOT_MEASURED)


def test_it_is_said_in_a_sentence_with_bound_number_and_date() -> None:
    assert assure([]).words == (
        "Precision not measured: 0 flagged pairs were decided, and it takes 20"
    )
    assert assure(judgements(95, 5)).words == (
        "Precision measured: at least 0.86 (at 95 % confidence), from 95 right of 100 decided flags"
        " until 2026-03-01"
    )
    assert "certified: at least 0.95" in assure(judgements(88, 0)).words


def test_what_was_measured_elsewhere_is_said_until_the_forum_has_its_own_figure() -> None:
    few, enough = assure(judgements(19, 0)), assure(judgements(20, 0))

    assert few.sentences == f"{few.words}. {ELSEWHERE}"
    assert enough.sentences == f"{enough.words}."
