"""Pairs that somebody gives, with every stage of their scores."""

import numpy as np
import pytest

from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.findings import scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.matching.pairs import score_pairs
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.fusion import Fusion
from worker.text.normal import Reads, Seen, TextFields, seen

RULE = Rule(
    fusion=Fusion(logit=0.05, cosine=6.0, bias=-4.0, overlap_logit=0.6, bodies=0.4),
    threshold=0.5,
    cosine_floor=0.3,
)
ROWS = [
    ("how to boil an egg", "with salt", "how to boil an egg now", "with salt"),
    ("how to boil an egg", "with salt", "the best train to rome", "by night"),
    ("visa", "for a fox", "rome", "for a fox"),
    ("how to boil an egg", "with salt", "how to boil an egg now", "with salt"),
]


def a_matcher(reads: Reads = Reads.TITLE, rule: Rule = RULE) -> Matcher:
    calibration = Calibration(
        rules={WordEncoder.digest: rule}, reads=reads, asymmetry=0.4, logit_bounds=(-7.0, 7.0)
    )
    return Matcher.of(WordEncoder(), WordReranker(calibration))


def sides() -> tuple[list[Seen], list[Seen]]:
    both = TextFields.TITLE_BODY
    return (
        [seen(row[0], row[1], fields=both) for row in ROWS],
        [seen(row[2], row[3], fields=both) for row in ROWS],
    )


def test_every_stage_is_there_for_every_pair() -> None:
    told: list[int] = []

    found = score_pairs(a_matcher(), *sides(), on_done=told.append)

    first, second = sides()
    for row, (one, other) in enumerate(zip(first, second, strict=True)):
        whole = WordEncoder().encode([one.whole, other.whole])
        titles = WordEncoder().encode([one.title, other.title])
        forward, backward = (
            WordReranker().score([one.title, other.title], np.array([pair], np.int32))
            for pair in ((0, 1), (1, 0))
        )
        assert found.cosine[row] == pytest.approx(whole[0] @ whole[1])
        assert found.title_cosine[row] == pytest.approx(titles[0] @ titles[1])
        # The made-up reranker's answer shifts with the places of the texts, as in a real order.
        logits = sorted((found.forward[row], found.backward[row]))
        assert logits == pytest.approx(sorted((*forward, *backward)), abs=1e-6)
    assert found.bodies.tolist() == pytest.approx([0.1, 0.1, 0.15, 0.1])
    assert found.overlap.tolist() == pytest.approx([5 / 6, 1 / 9, 0.0, 5 / 6])
    np.testing.assert_array_equal(found.flagged, found.probability >= 0.5)
    assert found.flagged.tolist() == [True, False, True, True]
    assert sum(told) == len(ROWS)


@pytest.mark.parametrize("reads", list(Reads))
def test_what_the_service_flags_has_the_same_probability_here(reads: Reads) -> None:
    matcher = a_matcher(reads)
    first, second = sides()
    questions = dict(enumerate([*first, *second]))
    rows = np.arange(len(ROWS))

    given = score_pairs(matcher, first, second)
    served = scored(matcher, Near(rows, rows + len(ROWS), given.cosine), questions)

    for place, finding in enumerate(served):
        assert (finding.score >= matcher.threshold) == given.flagged[place]
        if given.flagged[place]:
            assert finding.score == pytest.approx(given.probability[place], abs=2e-2)


def test_no_pairs_give_no_scores() -> None:
    found = score_pairs(a_matcher(), [], [])

    assert found.probability.shape == found.flagged.shape == found.title_cosine.shape == (0,)
