"""Scores given pairs, with the result of every stage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.inference.reranker import Reranker
from worker.matching.matcher import Matcher, OnDone, unheard
from worker.scoring.fusion import BothOrders, Floats
from worker.scoring.traits import Traits
from worker.text.normal import Seen

_CHUNK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairScores(BothOrders):
    """The results of every stage for n pairs; each array is (n,), in their order."""

    title_cosine: Floats
    cosine: Floats
    """Cosine of the whole texts, which the fusion uses."""
    overlap: Floats
    """Share of the words of both titles that both have."""
    bodies: Floats
    """How long the shorter body is, 0..1; see `Traits`."""
    probability: Floats
    flagged: NDArray[np.bool_]


def score_pairs(
    matcher: Matcher,
    first: Sequence[Seen],
    second: Sequence[Seen],
    *,
    on_done: OnDone = unheard,
) -> PairScores:
    """Return the models' scores of each pair (*first*, *second*).

    Every pair is read in both orders, also if the service would read only one. *density* is not
    known here, so it is not used. Raises `InferenceError`.
    """
    places = {one: place for place, one in enumerate(dict.fromkeys([*first, *second]))}
    questions = list(places)
    left, right = ([places[one] for one in side] for side in (first, second))
    pairs = np.array([left, right], dtype=np.int64).reshape(2, -1).T
    titles = list(dict.fromkeys(one.title for one in questions))
    at = {title: place for place, title in enumerate(titles)}
    by_title = np.array([at[one.title] for one in questions], dtype=np.int64)[pairs]
    title_cosine = _cosines(matcher, [Seen(title, title) for title in titles], by_title)
    cosine = _cosines(matcher, questions, pairs)
    traits = Traits.of(questions, pairs.astype(np.int32))
    reads = matcher.reranker.calibration.reads
    texts = [one.for_reranker(reads) for one in questions]
    read = _both_orders(matcher.reranker, texts, pairs.astype(np.int32), on_done)
    probability = matcher.fusion.probability(read.logit, cosine, traits)
    return PairScores(
        title_cosine=title_cosine,
        cosine=cosine,
        overlap=traits.overlap,
        bodies=traits.bodies,
        forward=read.forward,
        backward=read.backward,
        probability=probability,
        flagged=np.asarray(probability >= matcher.threshold),
    )


def _cosines(matcher: Matcher, questions: Sequence[Seen], pairs: NDArray[np.int64]) -> Floats:
    vectors = np.zeros((len(questions), matcher.encoder.dimension), dtype=np.float32)
    matcher.embed(questions, vectors)
    return np.asarray(np.einsum("nd,nd->n", vectors[pairs[:, 0]], vectors[pairs[:, 1]]), np.float32)


def _both_orders(
    reranker: Reranker, texts: Sequence[str], pairs: NDArray[np.int32], on_done: OnDone
) -> BothOrders:
    logits = np.zeros((2, len(pairs)), dtype=np.float32)
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        logits[0, start : start + _CHUNK] = reranker.score(texts, part)
        logits[1, start : start + _CHUNK] = reranker.score(texts, part[:, ::-1])
        on_done(len(part))
    return BothOrders(forward=logits[0], backward=logits[1])
