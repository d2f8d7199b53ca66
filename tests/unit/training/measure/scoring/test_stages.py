import numpy as np
import pytest

from training.measure.scoring.stages import CHUNK, PairTexts, Stages, StageScores
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.matcher import Matcher
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion

CALIBRATION = Calibration(
    bi_encoder=WordEncoder.digest,
    fusion=Fusion(logit=1.0, cosine=4.0, bias=-4.0),
    threshold=0.6,
    cosine_floor=0.5,
)
SAME = PairTexts("how to bake bread", "How to bake BREAD?")
NEAR = PairTexts("how to bake bread", "how to bake rye bread")
SWAPPED = PairTexts("a to b", "b to a", "I have an a", "I have a b")
FAR = PairTexts("how to bake bread", "is it monday")
FOREIGN = PairTexts("how to bake bread", "面包怎么烤")
PAIRS = [SAME, NEAR, SWAPPED, FAR, FOREIGN]


@pytest.fixture
def stages() -> Stages:
    return Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION)))


def test_every_stage_has_a_number_for_every_pair_in_order(stages: Stages) -> None:
    found = stages.score(PAIRS)

    assert len(found) == len(PAIRS)
    assert found.cosine_titles[2] == pytest.approx(1.0)
    assert found.cosine_whole[2] < 1.0
    assert found.cosine_titles[1] == found.cosine_whole[1]
    assert found.overlap.tolist() == pytest.approx([1.0, 4 / 5, 1.0, 0.0, 0.0])
    assert (found.forward != found.backward).all()
    assert found.same_text.tolist() == [True, False, False, False, False]
    assert found.foreign.tolist() == [False, False, False, False, True]


def test_a_pair_turned_round_has_its_two_orders_turned_round(stages: Stages) -> None:
    turned = [PairTexts(p.title2, p.title1, p.body2, p.body1) for p in PAIRS]

    there, back = stages.score(PAIRS), stages.score(turned)

    assert np.allclose(there.cosine_whole, back.cosine_whole)
    assert np.allclose(there.overlap, back.overlap)
    assert np.allclose(there.logit, back.logit, atol=0.2)
    assert (there.same_text == back.same_text).all()


def test_the_same_text_is_sure_and_neither_far_nor_foreign_pairs_are_flagged(
    stages: Stages,
) -> None:
    scores = stages.score(PAIRS)

    decision = stages.decide(scores)

    assert decision.probability[0] == 1.0
    assert decision.flagged.tolist()[:2] == [True, True]
    assert decision.flagged.tolist()[3:] == [False, False]
    expected = CALIBRATION.fusion.probability(scores.logit, scores.cosine_whole)
    assert decision.probability[1:] == pytest.approx(expected[1:])


def test_a_pair_below_the_floor_is_not_flagged_whatever_its_probability(stages: Stages) -> None:
    scores = stages.score([FAR])
    sure = StageScores(
        **{
            name: getattr(scores, name)
            for name in (
                "cosine_titles",
                "cosine_whole",
                "overlap",
                "bodies",
                "density",
                "same_text",
                "foreign",
            )
        },
        forward=np.array([50.0], np.float32),
        backward=np.array([50.0], np.float32),
    )

    decision = stages.decide(sure)

    assert decision.probability[0] > 0.9
    assert not decision.flagged[0]


def test_a_threshold_of_ones_own_takes_the_place_of_the_models() -> None:
    strict = Stages(Matcher.of(WordEncoder(), WordReranker(CALIBRATION), threshold=1.0))

    assert strict.decide(strict.score(PAIRS)).flagged.tolist() == [True, *[False] * 4]


def test_many_pairs_are_scored_as_few_are(stages: Stages) -> None:
    many = [PAIRS[i % 5] for i in range(CHUNK + 7)]
    heard: list[int] = []

    found = stages.score_many(many, on_done=heard.append)

    assert heard == [CHUNK, 7]
    alone = stages.score(PAIRS)
    assert np.allclose(
        found.cosine_whole[-5:], alone.cosine_whole[[i % 5 for i in range(514, 519)]]
    )


def test_no_pairs_have_no_scores(stages: Stages) -> None:
    scores = stages.score([])

    assert len(scores) == 0
    assert len(stages.decide(scores).flagged) == 0
