"""The nearest are read first, and no more than matters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.findings import keep_best, scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.matching.rounds import PATIENCE, ROUND, scored_in_rounds
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.chance import Chance
from worker.scoring.fusion import Fusion
from worker.text.normal import Seen

ASKED = "how do I boil an egg"
SAME = f"{ASKED} well"
OTHER = "where is the train to Rome"


class CountingReranker(WordReranker):
    """Counts what it reads."""

    read = 0

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        self.read += len(pairs)
        return super().score(texts, pairs)


@pytest.fixture
def reranker() -> CountingReranker:
    return CountingReranker(Calibration(cosine_floor=0.3, asymmetry=0.4, threshold=0.6))


def given(*titles: str) -> tuple[Near, dict[int, Seen]]:
    """Return the titles as candidates of one question, the nearest first; ids go on from 0."""
    questions = {n: Seen(one, one) for n, one in enumerate((ASKED, *titles))}
    count = len(titles)
    order = np.arange(1, count + 1)
    return Near(np.zeros(count, np.int64), order, np.linspace(0.9, 0.5, count)), questions


def test_reading_ends_where_enough_is_flagged(reranker: CountingReranker) -> None:
    near, questions = given(*[SAME] * 40)
    matcher = Matcher.of(WordEncoder(), reranker)

    found = scored_in_rounds(matcher, near, questions, kept=10)

    assert [one.candidate_id for one in found] == list(range(1, len(found) + 1))
    assert 10 <= len(found) < 10 + ROUND
    assert reranker.read == len(found), "one order is enough for what is sure to be flagged"
    assert len(keep_best(found, matcher.threshold, kept=10)) == 10


def test_reading_ends_where_many_in_a_row_are_something_else(reranker: CountingReranker) -> None:
    near, questions = given(SAME, *[OTHER] * 40, SAME)

    found = scored_in_rounds(Matcher.of(WordEncoder(), reranker), near, questions, kept=10)

    assert 1 + PATIENCE <= len(found) < 1 + PATIENCE + ROUND
    assert found[0].score >= 0.6


def test_with_few_candidates_it_finds_what_reading_all_of_them_finds(
    reranker: CountingReranker,
) -> None:
    near, questions = given(OTHER, SAME, OTHER, OTHER, SAME, OTHER, OTHER, SAME)
    matcher = Matcher.of(WordEncoder(), reranker)

    found = scored_in_rounds(matcher, near, questions, kept=10)

    assert found == scored(matcher, near, questions)


def test_each_question_is_read_for_by_itself(reranker: CountingReranker) -> None:
    near, questions = given(*[OTHER] * 20)
    two = Near(
        np.concatenate((near.left, near.left + 100)),
        np.concatenate((near.right, near.right)),
        np.concatenate((near.cosine, near.cosine)),
    )
    questions[100] = Seen(OTHER, OTHER)

    found = scored_in_rounds(Matcher.of(WordEncoder(), reranker), two, questions, kept=3)

    read = Counter(one.question_id for one in found)
    assert read[0] <= PATIENCE + ROUND
    assert 3 <= read[100] < 3 + ROUND
    assert sum(one.score >= 0.6 for one in found) == read[100]


class TellingReranker(CountingReranker):
    """Answers what it is told, by the last word of the other title."""

    answers: Mapping[str, float]

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        self.read += len(pairs)
        words = [[texts[one].split()[-1] for one in pair] for pair in pairs.tolist()]
        told = [self.answers.get(one, self.answers.get(other, 0.0)) for one, other in words]
        return np.array(told, dtype=np.float32)


def telling(
    *, answers_count: bool = True, asymmetry: float = 0.0, **answers: float
) -> TellingReranker:
    """Return a model whose logit decides alone, from 1 on.

    A pair has a chance of a half, and less if the answers to others were below -2. By *asymmetry*
    the logits of both orders may differ.
    """
    rule = Rule(
        fusion=Fusion(logit=1.0, overlap_logit=1e-6, bias=-1.0),
        chance=Chance(
            known=(0.0,) * 10, answers=(0.0, 0.0, 3.0, 0.0, 0.0) if answers_count else ()
        ),
    )
    told = TellingReranker(Calibration(rules={WordEncoder.digest: rule}, asymmetry=asymmetry))
    told.answers = answers
    return told


def with_known(reranker: TellingReranker, *known: float) -> TellingReranker:
    """Return the model with other weights of what is known before."""
    rule = reranker.calibration.rules[WordEncoder.digest]
    chance = replace(rule.chance or Chance(known=known), known=known)
    rules = {WordEncoder.digest: replace(rule, chance=chance)}
    reranker.calibration = replace(reranker.calibration, rules=rules)
    return reranker


def test_low_answers_to_a_question_end_the_reading_for_it() -> None:
    near, questions = given(*[f"{ASKED} low"] * 20)
    reranker = telling(low=-5.0)

    found = scored_in_rounds(Matcher.of(WordEncoder(), reranker), near, questions, kept=10)

    assert [one.candidate_id for one in found] == [1, 2, 3, 4]


def test_answers_that_are_as_usual_end_nothing() -> None:
    near, questions = given(*[f"{ASKED} low"] * 20)
    reranker = telling(low=-2.0)

    scored_in_rounds(Matcher.of(WordEncoder(), reranker), near, questions, kept=10)

    assert reranker.read == 20


def test_where_answers_tell_nothing_six_in_a_row_end_the_reading() -> None:
    near, questions = given(*[f"{ASKED} low"] * 20)
    reranker = telling(answers_count=False, low=-5.0)

    scored_in_rounds(Matcher.of(WordEncoder(), reranker), near, questions, kept=10)

    assert reranker.read == PATIENCE


def test_a_pair_without_a_chance_is_read_once_others_were_answered_highly() -> None:
    near, questions = given(f"{ASKED} high", *[f"{ASKED} as high"] * 3)
    near = Near(near.left, near.right, np.array([0.9, 0.6, 0.5, 0.4]))
    far = (-20.0, 0.0, 24.0, *[0.0] * 7)  # log odds 1.6, and of the others -5.6 and less

    unlike = with_known(telling(high=-1.0), *far)
    like = with_known(telling(high=6.0), *far)
    found = [
        scored_in_rounds(Matcher.of(WordEncoder(), one), near, questions, kept=10)
        for one in (unlike, like)
    ]

    assert [len(one) for one in found] == [1, 4]


def test_undecided_pairs_are_scored_however_far_they_are(reranker: CountingReranker) -> None:
    near, questions = given(*[OTHER] * 40)

    found = scored_in_rounds(
        Matcher.of(WordEncoder(), reranker),
        near,
        questions,
        kept=10,
        undecided=frozenset({frozenset((0, 40))}),
    )

    assert 40 in {one.candidate_id for one in found}


def test_what_the_cosine_alone_decides_is_flagged_unread() -> None:
    deaf = CountingReranker(
        Calibration(
            bi_encoder=WordEncoder.digest,
            fusion=Fusion(logit=0.0, cosine=10.0, bias=-7.0),
            threshold=0.6,
        )
    )
    near, questions = given(*[OTHER] * 40)

    found = scored_in_rounds(Matcher.of(WordEncoder(), deaf), near, questions, kept=10)

    assert deaf.read == 0
    assert {one.candidate_id for one in found if one.score >= 0.6} == {
        place for place, cosine in zip(near.right.tolist(), near.cosine.tolist(), strict=True)
        if 10 * cosine - 7 >= np.log(0.6 / 0.4)
    }  # fmt: skip


def test_nothing_near_is_no_work(reranker: CountingReranker) -> None:
    found = scored_in_rounds(Matcher.of(WordEncoder(), reranker), Near.none(), {}, kept=10)

    assert found == []


@pytest.mark.parametrize(
    ("count", "kept", "asymmetry", "steps"),
    [
        (1, 10, 12.0, [1, 1]),
        (3, 10, 12.0, [2, 3, 1]),
        (9, 10, 12.0, [2, 6, 7, 3]),
        (9, 1, 12.0, [2, 2]),
        (9, 10, 0.0, [2, 4, 3]),
        (9, 1, 0.0, [2]),
    ],
)
def test_the_other_order_is_read_together_with_the_next_candidates_if_it_matters(
    count: int, kept: int, asymmetry: float, steps: list[int]
) -> None:
    near, questions = given(*[f"{ASKED} high"] * count)
    reranker = telling(high=6.0, asymmetry=asymmetry)
    read = [0]
    score = reranker.score

    def counted(texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        read.append(len(pairs))
        return score(texts, pairs)

    reranker.score = counted  # type: ignore[method-assign]
    found = scored_in_rounds(Matcher.of(WordEncoder(), reranker), near, questions, kept=kept)

    assert [one for one in read if one] == steps
    logits = {logit for one in found for logit in (one.logit_forward, one.logit_backward)}
    assert logits == ({6.0} if asymmetry else {6.0, None})
