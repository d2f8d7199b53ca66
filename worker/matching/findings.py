"""Makes findings from candidate pairs of stored questions: scores them and keeps the best."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from db.pairs.rows import Finding
from db.rows import PairKind
from db.vectors.rows import Candidate
from worker.inference.cascade import Scores
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.fusion import Floats
from worker.scoring.traits import Traits
from worker.text.normal import Seen


def same_text(question_id: int, twin_id: int, *, cosine: float | None = None) -> Finding:
    """Return the finding of two questions with the same text; it needs no model."""
    return Finding(
        question_id=question_id,
        candidate_id=twin_id,
        kind=PairKind.SAME_TEXT,
        score=1.0,
        cosine=cosine,
    )


def pair_of(finding: Finding) -> frozenset[int]:
    """Return the two questions of a finding, unordered."""
    return frozenset((finding.question_id, finding.candidate_id))


def worth_reranking(
    near: Mapping[int, Iterable[Candidate]], known: AbstractSet[frozenset[int]]
) -> Near:
    """Return each unordered pair of *near* once, by id, without the *known* pairs of one text."""
    found: dict[frozenset[int], tuple[int, int, float]] = {}
    for question_id, candidates in near.items():
        for candidate in candidates:
            pair = frozenset((question_id, candidate.id))
            if pair not in known:
                found.setdefault(pair, (question_id, candidate.id, candidate.cosine))
    if not found:
        return Near.none()
    left, right, cosines = zip(*found.values(), strict=True)
    return Near(np.array(left), np.array(right), np.array(cosines))


def by_place(near: Near, questions: Mapping[int, Seen]) -> tuple[Near, Sequence[Seen], Near] | None:
    """Return *near* by id, the questions, and *near* by places among them; None if nothing is left.

    *questions* are by id. Pairs with a question that is not there are left out.
    """
    index = {key: place for place, key in enumerate(questions)}
    sides = [[index.get(one, -1) for one in side.tolist()] for side in (near.left, near.right)]
    places = np.array(sides, dtype=np.int64)  # (2, n)
    is_there = np.asarray((places >= 0).all(axis=0))
    if not is_there.any():
        return None
    near, (left, right) = near.take(is_there), places[:, is_there]
    return near, list(questions.values()), replace(near, left=left, right=right)


def scored(matcher: Matcher, near: Near, questions: Mapping[int, Seen]) -> list[Finding]:
    """Return the findings of the pairs *near*, by id, in their order.

    *questions* are by id. Pairs with a question that is not there are left out.
    """
    given = by_place(near, questions)
    if given is None:
        return []
    near, held, places = given
    traits = matcher.traits(held, places)
    return findings(matcher, near, traits, matcher.score(held, places, traits))


def findings(matcher: Matcher, near: Near, traits: Traits | None, scores: Scores) -> list[Finding]:
    """Return the findings of the scored pairs *near*, by id, in their order."""
    raw: Sequence[float | None] = [None] * len(near)
    if matcher.line is not None:
        raw = matcher.rule.fusion.probability(scores.mean, near.cosines, traits).tolist()
    rows = zip(
        near.left.tolist(),
        near.right.tolist(),
        scores.probability.tolist(),
        raw,
        near.cosine.tolist(),
        _known(scores.forward),
        _known(scores.backward),
        strict=True,
    )
    return [
        Finding(
            question_id=question_id,
            candidate_id=candidate_id,
            kind=PairKind.MODEL,
            score=score,
            raw_score=own_score,
            cosine=cosine,
            logit_forward=forward,
            logit_backward=backward,
        )
        for question_id, candidate_id, score, own_score, cosine, forward, backward in rows
    ]


def _known(logits: Floats) -> list[float | None]:
    return [None if math.isnan(one) else one for one in logits.tolist()]


def flagged(found: Iterable[Finding], threshold: float) -> list[Finding]:
    """Return the findings at or above *threshold*."""
    return [finding for finding in found if finding.score >= threshold]


def keep_best(
    found: Sequence[Finding],
    threshold: float,
    *,
    kept: int,
    undecided: AbstractSet[frozenset[int]] = frozenset(),
) -> list[Finding]:
    """Return each question's *kept* best findings at or above *threshold*.

    Of the others, only findings whose pair is *undecided* stay. An earlier text, model or threshold
    flagged these pairs; the new finding updates or withdraws them.
    """
    best: list[Finding] = []
    count: Counter[int] = Counter()
    for finding in sorted(found, key=lambda f: (-f.score, f.candidate_id)):
        is_one_of_the_best = finding.score >= threshold and count[finding.question_id] < kept
        count[finding.question_id] += int(is_one_of_the_best)
        if is_one_of_the_best or pair_of(finding) in undecided:
            best.append(finding)
    return best
