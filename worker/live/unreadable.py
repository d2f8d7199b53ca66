"""Finds the questions that a model cannot read, so that the others are processed."""

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
"""By question id: why a model cannot read it."""
Scoring = Callable[[Matcher, Near, Mapping[int, Seen]], list[Finding]]
"""Scores pairs of questions: all of them, or only those that can be kept."""


class UnreadableError(InferenceError):
    """The CrossEncoder cannot read this question."""


def failing_alone(
    work: Callable[[Sequence[_Item]], object], items: Sequence[_Item]
) -> list[tuple[_Item, str]]:
    """Do *work* on all items, halving failed parts; return the items that fail alone, and why.

    Raises the error if no item is the cause, or if every item fails: then the model is the cause.
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
    """Return the findings of the pairs *near*, and the questions that cannot be read.

    If the CrossEncoder fails, it reads each question paired with itself. The pairs of questions
    with which it fails again are left out. Raises the first error if there are no such questions.
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
