"""Finds the questions with which a model fails, so that the questions around them are done."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from db.pairs.rows import Finding
from worker.inference.runner import InferenceError
from worker.live.blame import is_moments_fault, reason
from worker.matching.findings import scored
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.text.normal import Seen

_Item = TypeVar("_Item")

Reasons = Mapping[int, str]
"""Why a model cannot read a question, by its id."""
Scoring = Callable[[Matcher, Near, Mapping[int, Seen]], list[Finding]]
"""Scores pairs by id: all of them, or those that matter."""


class UnreadableError(InferenceError):
    """The CrossEncoder cannot read this question."""


def failing_alone(
    work: Callable[[Sequence[_Item]], object], items: Sequence[_Item]
) -> list[tuple[_Item, str]]:
    """Do *work* on all items, halving what fails, and return each that fails alone, and why.

    Raises the error if it is not an item's fault, or if every item fails: then it is the model's.
    """
    found, errors = _failing(work, items)
    if errors and len(found) == len(items):
        raise errors[-1]
    return found


def _failing(
    work: Callable[[Sequence[_Item]], object], items: Sequence[_Item]
) -> tuple[list[tuple[_Item, str]], list[Exception]]:
    try:
        work(items)
    except Exception as error:
        if is_moments_fault(error):
            raise
        if len(items) == 1:
            return [(items[0], reason(error))], [error]
    else:
        return [], []
    middle = len(items) // 2
    first, first_errors = _failing(work, items[:middle])
    second, second_errors = _failing(work, items[middle:])
    return first + second, first_errors + second_errors


def scored_where_readable(
    matcher: Matcher, near: Near, questions: Mapping[int, Seen], score: Scoring = scored
) -> tuple[list[Finding], Reasons]:
    """Return the findings of pairs, *near* by id, and the questions that cannot be read.

    If the CrossEncoder fails, each question is read against itself. The pairs of those with which
    it fails are left out. Raises the error if that explains nothing.
    """
    try:
        return score(matcher, near, questions), {}
    except Exception as error:
        if is_moments_fault(error):
            raise
        unreadable = _unreadable(matcher, near, questions)
        if not unreadable:
            raise
    ids = list(unreadable)
    is_left_out = np.isin(near.left, ids) | np.isin(near.right, ids)
    return score(matcher, near.take(~is_left_out), questions), unreadable


def _unreadable(matcher: Matcher, near: Near, questions: Mapping[int, Seen]) -> Reasons:
    reads = matcher.reranker.calibration.reads
    ends = np.unique(np.concatenate((near.left, near.right))).tolist()

    def read(ids: Sequence[int]) -> None:
        texts = [questions[one].for_reranker(reads) for one in ids]
        places = np.arange(len(ids), dtype=np.int32)
        matcher.reranker.score(texts, np.stack((places, places), axis=1))

    failing = failing_alone(read, [one for one in ends if one in questions])
    return {one: f"the CrossEncoder cannot read this question: {why}" for one, why in failing}
