"""Measures how well unseen duplicates are mined: by the cosine alone, and by the cascade."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bench.archives.data import Context, Keys, inside, keys_of, with_partners
from worker.archives.searching.blocks import BlockSearch, all_near
from worker.inference.cascade import Cascade
from worker.matching.near import Near
from worker.scoring.calibration import best_case
from worker.scoring.gate import gate_scores
from worker.scoring.traits import Traits

TOP = 100
FLOOR_SIZE = 50_000
_CHUNK = 2_048
_ROWS = 512
_ROUNDING = 1e-6
_SAMPLE = 10_000
_SHARES = (0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a ranking of mined pairs finds the known duplicates."""

    average_precision: float
    f1: float
    precision: float
    recall: float

    @classmethod
    def of(cls, keys: Keys, right: Keys) -> Self:
        """Score *keys*, best first, by the rules of `ParaphraseMiningEvaluator`.

        A mined pair that is not in *right* is wrong; a pair of *right* that was not mined is
        missed.
        """
        is_right = np.isin(keys, right)
        hits = np.cumsum(is_right)
        precision = hits / np.arange(1, len(keys) + 1)
        recall = hits / max(len(right), 1)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
        best = int(f1.argmax())
        average = float((precision * is_right).sum() / max(len(right), 1))
        return cls(average, float(f1[best]), float(precision[best]), float(recall[best]))

    def __str__(self) -> str:
        return (
            f"average precision {self.average_precision:.4f}, F1 {self.f1:.4f}"
            f" (precision {self.precision:.3f}, recall {self.recall:.3f})"
        )


def measure(context: Context) -> None:
    """Note average precision and F1 on Quora's dev questions, which no model was trained on.

    Every ranking orders the same pairs: those at or above the cascade's floor, at most 100 of each
    question. There are two results. In the first, every mined pair that is no known duplicate
    counts as wrong, as in the evaluator. The second is among the pairs with a label alone.
    """
    dev = context.data.dev
    chosen = np.arange(dev.start, min(dev.stop, dev.start + context.questions(len(dev))))
    titles = [context.data.questions[one] for one in chosen.tolist()]
    size = len(titles)
    floor = context.reranker.calibration.for_bi_encoder(context.encoder.digest).cosine_floor
    near = all_near(context.vectors(chosen), floor=floor, top_k=TOP, search=BlockSearch("cpu"))
    keys = near.left * size + near.right
    right = keys_of(inside(context.data.duplicates, chosen), size)
    wrong = keys_of(inside(context.data.others, chosen), size)
    judged = np.isin(keys, np.concatenate((right, wrong)))
    context.note("questions of Quora dev", size)
    context.note("known duplicates among them, with what follows from labels", len(right))
    context.note(f"pairs at or above {floor:g} that are ranked", len(near))
    context.note("of these judged by a person", int(judged.sum()))
    context.note("known duplicates within these pairs", int(np.isin(right, keys).sum()))
    full, served, logit = _scored(context, titles, near)
    for name, by in (
        ("cosine alone", near.cosine),
        ("CrossEncoder alone, both orders", logit),
        ("both fused, both orders", full),
        ("the cascade, as served", served),
    ):
        order = np.lexsort((keys, -by))
        ranked = keys[order]
        context.note(f"{name}, by the evaluator's rules", str(Ranking.of(ranked, right)))
        known = np.isin(right, keys)
        context.note(
            f"{name}, among judged pairs",
            str(Ranking.of(ranked[judged[order]], right[known])),
        )
        context.note(f"{name}, pairs whose score is another's too", _ties(by))
    _note_best_unjudged(context, keys, full, right, wrong)


def _scored(
    context: Context, titles: list[str], near: Near
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    reranker = context.reranker
    rule = reranker.calibration.for_bi_encoder(context.encoder.digest)
    fusion = rule.fusion
    traits = Traits.of_titles(titles, near.pairs)
    full = np.empty(len(near), dtype=np.float32)
    served, logit = np.empty_like(full), np.empty_like(full)
    for start in range(0, len(near), _CHUNK):
        part = slice(start, start + _CHUNK)
        known = near.cosines[part], traits.take(part)
        one = Cascade(
            reranker, titles, near.pairs[part], *known, fusion=fusion, threshold=0.0
        ).read_all()
        logit[part], full[part] = one.mean, one.probability
        first = fusion.probability(one.first, *known)
        kindest = best_case(reranker.calibration, fusion, one.first, *known)
        served[part] = np.where(kindest >= rule.threshold, full[part], first)
        context.say(f"scored {min(start + _CHUNK, len(near)):,} of {len(near):,}")
    return full, served, logit


def _ties(by: NDArray[np.float32]) -> int:
    _, counts = np.unique(by, return_counts=True)
    return int(counts[counts > 1].sum())


def _note_best_unjudged(
    context: Context, keys: Keys, score: NDArray[np.float32], right: Keys, wrong: Keys
) -> None:
    best = keys[np.argsort(-score, kind="stable")][: len(right)]
    shares = [float(np.isin(best, which).mean()) for which in (right, wrong)]
    context.note(
        f"of the {len(best):,} pairs that the cascade is surest of",
        f"{shares[0]:.1%} known duplicates, {shares[1]:.1%} known others,"
        f" {1 - sum(shares):.1%} never judged",
    )


def measure_floor(context: Context) -> None:
    """Note the share of the duplicates among the top 100 of a question that the floor keeps."""
    chosen = with_partners(context.data, context.questions(FLOOR_SIZE))
    vectors = context.vectors(chosen).astype(np.float32)
    context.note("questions", len(chosen))
    for name, known in (
        ("labelled duplicates", context.data.labelled),
        ("duplicates with what follows from labels", context.data.duplicates),
    ):
        pairs = inside(known, chosen)
        cosines = np.einsum("nd,nd->n", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
        top = _within_top(vectors, pairs, cosines)
        floor = context.archive_floor
        kept = cosines[top] >= floor
        what = f"{kept.mean():.4f} of {len(kept):,}"
        context.note(f"{name} in the top {TOP}, kept by the floor of {floor:g}", what)
        floors = [np.quantile(cosines[top], 1 - share) for share in _SHARES]
        context.note(
            f"floors that keep {', '.join(map(str, _SHARES))} of the {name}",
            ", ".join(f"{one:.3f}" for one in floors),
        )
        titles = [context.data.questions[one] for one in chosen.tolist()]
        _note_kept(context, name, titles, vectors=vectors, pairs=pairs[top], cosines=cosines[top])


def _note_kept(
    context: Context,
    name: str,
    titles: list[str],
    *,
    vectors: NDArray[np.float32],
    pairs: NDArray[np.int64],
    cosines: NDArray[np.float32],
) -> None:
    """Note the share of the duplicates flagged by reading every pair that the cascade reads too."""
    some = np.random.default_rng(0).permutation(len(pairs))[:_SAMPLE]
    pairs, cosines, reranker = pairs[some], cosines[some], context.reranker
    near = Near(pairs[:, 0], pairs[:, 1], cosines)
    full, _, _ = _scored(context, titles, near)
    flagged = full >= reranker.calibration.for_bi_encoder(context.encoder.digest).threshold
    read = cosines >= context.archive_floor
    context.note(
        f"{name} in the top {TOP} that would be flagged, kept by the floor",
        f"{read[flagged].mean():.4f} of {flagged.sum():,}",
    )
    if (gate := reranker.gates.get(context.encoder.digest)) is not None:
        left, right = vectors[pairs[:, 0]], vectors[pairs[:, 1]]
        read &= gate_scores(left, right, gate.weights) >= gate.bar
        context.note(
            f"{name} in the top {TOP} that would be flagged, kept by floor and gate",
            f"{read[flagged].mean():.4f} of {flagged.sum():,}",
        )


def _within_top(
    vectors: NDArray[np.float32], pairs: NDArray[np.int64], cosines: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return for each pair whether it is among the `TOP` nearest of one of its questions."""
    top = np.zeros(len(pairs), dtype=np.bool_)
    for side in (0, 1):
        order = np.argsort(pairs[:, side], kind="stable")
        for start in range(0, len(order), _ROWS):
            part = order[start : start + _ROWS]
            own, place = np.unique(pairs[part, side], return_inverse=True)
            near = vectors[own] @ vectors.T  # (rows, questions)
            near[np.arange(len(own)), own] = -1.0
            bars = np.partition(near, -min(TOP, near.shape[1]), axis=1)[:, -min(TOP, near.shape[1])]
            top[part] |= cosines[part] >= bars[place] - _ROUNDING
    return top
