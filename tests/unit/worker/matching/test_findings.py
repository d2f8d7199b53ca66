"""Which findings are kept, by laws that hold for any of them."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from db.pairs.rows import Finding
from db.rows import PairKind
from db.vectors.rows import Candidate
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.findings import flagged, keep_best, pair_of, same_text, scored, worth_reranking
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.calibration import Calibration, Rule
from worker.scoring.fusion import Fusion
from worker.scoring.recalibration import Line
from worker.text.normal import Reads, TextFields, seen

SCORES = st.floats(0, 1, width=32)
FINDINGS = st.lists(
    st.builds(
        Finding,
        question_id=st.integers(1, 4),
        candidate_id=st.integers(5, 30),
        kind=st.just(PairKind.MODEL),
        score=SCORES,
    ),
    max_size=60,
)
TEXTS = {
    place: seen(title)
    for place, title in enumerate(
        ("how to boil an egg", "how to boil an egg now", "the best train to rome"), start=7
    )
}


def matcher(line: Line | None = None) -> Matcher:
    calibration = Calibration(cosine_floor=0.3, asymmetry=0.4)
    made = Matcher.of(WordEncoder(), WordReranker(calibration), threshold=0.5)
    return replace(made, line=line)


def near(*rows: tuple[int, int, float]) -> Near:
    left, right, cosine = zip(*rows, strict=True)
    return Near(np.array(left), np.array(right), np.array(cosine))


@given(FINDINGS, SCORES, st.integers(1, 5))
def test_a_question_keeps_its_best_and_never_more_than_are_kept(
    findings: list[Finding], threshold: float, kept: int
) -> None:
    best = keep_best(findings, threshold, kept=kept)

    for question in range(1, 5):
        ours = sorted((f.score for f in best if f.question_id == question), reverse=True)
        every = [f.score for f in flagged(findings, threshold) if f.question_id == question]
        assert ours == sorted(every, reverse=True)[:kept]


@given(FINDINGS, SCORES, st.sets(st.integers(5, 30)))
def test_an_undecided_pair_is_scored_anew_however_many_are_better(
    findings: list[Finding], threshold: float, others: set[int]
) -> None:
    undecided = {frozenset((1, other)) for other in others}

    best = keep_best(findings, threshold, kept=1, undecided=undecided)

    assert [one for one in findings if pair_of(one) in undecided and one not in best] == []


@given(FINDINGS, SCORES, st.sets(st.integers(5, 30)))
def test_below_the_threshold_only_undecided_pairs_remain(
    findings: list[Finding], threshold: float, others: set[int]
) -> None:
    undecided = {frozenset((1, other)) for other in others}

    best = keep_best(findings, threshold, kept=100, undecided=undecided)

    below = [one for one in best if one.score < threshold]
    wanted = [one for one in findings if one.score < threshold and pair_of(one) in undecided]
    assert len(below) == len(wanted)
    assert all(pair_of(one) in undecided for one in below)


@given(
    st.dictionaries(
        st.integers(0, 6),
        st.lists(st.builds(Candidate, id=st.integers(0, 6), cosine=st.floats(0, 1)), max_size=6),
    ),
    st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).map(frozenset)),
)
def test_each_pair_is_worth_reranking_once_and_what_is_known_never(
    candidates: dict[int, list[Candidate]], known: set[frozenset[int]]
) -> None:
    found = worth_reranking(candidates, known)

    pairs = [
        frozenset(pair) for pair in zip(found.left.tolist(), found.right.tolist(), strict=True)
    ]
    every = {frozenset((one, other.id)) for one in candidates for other in candidates[one]}
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == every - known


def test_findings_come_in_the_order_of_their_pairs_without_those_whose_text_is_gone() -> None:
    found = scored(matcher(), near((7, 9, 0.4), (7, 3, 0.9), (8, 7, 0.8123456789)), TEXTS)

    assert [(one.question_id, one.candidate_id) for one in found] == [(7, 9), (8, 7)]
    assert found[1].cosine == 0.8123456789
    assert found[0].score < 0.5 < found[1].score
    assert (found[0].logit_backward, found[0].raw_score) == (None, None)
    assert found[1].logit_backward is not None
    assert scored(matcher(), near((1, 2, 0.5)), TEXTS) == []
    assert scored(matcher(), Near.none(), TEXTS) == []


def test_a_forums_line_moves_the_score_and_leaves_the_models_own_beside_it() -> None:
    pair = near((7, 8, 0.8))

    (plain,) = scored(matcher(), pair, TEXTS)
    (moved,) = scored(matcher(Line(1.0, -1.0)), pair, TEXTS)

    assert moved.raw_score == plain.score
    wanted = Line(1.0, -1.0).probability(np.array([plain.score]))[0]
    assert abs(moved.score - wanted) < 1e-6


def test_a_text_that_is_the_same_is_sure_without_a_model() -> None:
    found = same_text(7, 8, cosine=0.99)

    assert (found.kind, found.score, found.cosine) == (PairKind.SAME_TEXT, 1.0, 0.99)
    assert pair_of(found) == {7, 8}


def test_a_pair_that_is_not_read_is_a_finding_without_logits() -> None:
    rule = Rule(fusion=Fusion(logit=0.0, cosine=9.0, bias=-4.0, overlap_logit=1.0), threshold=0.5)
    calibration = Calibration(rules={WordEncoder.digest: rule}, reads=Reads.TITLE)
    made = Matcher.of(WordEncoder(), WordReranker(calibration))
    texts = {1: seen("rome by train"), 2: seen("boil an egg"), 3: seen("an egg to boil")}

    unread, read = scored(replace(made, line=Line(1.0, 0.5)), near((1, 2, 0.8), (2, 3, 0.8)), texts)

    assert (unread.logit_forward, unread.logit_backward) == (None, None)
    assert unread.raw_score == pytest.approx(1 / (1 + np.exp(-3.2)), abs=1e-5)
    assert unread.score == pytest.approx(1 / (1 + np.exp(-3.7)), abs=1e-5)
    logit = mean(one for one in (read.logit_forward, read.logit_backward) if one is not None)
    assert read.raw_score == pytest.approx(1 / (1 + np.exp(-(3.2 + 0.75 * logit))), abs=1e-5)


@pytest.mark.parametrize(("reads", "is_body_read"), [(Reads.WHOLE, True), (Reads.TITLE, False)])
def test_a_crossencoder_of_titles_never_sees_a_body(reads: Reads, *, is_body_read: bool) -> None:
    given: set[str] = set()

    class Listening(WordReranker):
        def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
            given.update(texts)
            return super().score(texts, pairs)

    made = Matcher.of(WordEncoder(), Listening(Calibration(reads=reads)), threshold=0.0)
    both = TextFields.TITLE_BODY
    texts = {1: seen("boil eggs", "a body", fields=both), 2: seen("egg", "a body", fields=both)}

    scored(made, near((1, 2, 0.8)), texts)

    assert any("body" in text for text in given) is is_body_read
