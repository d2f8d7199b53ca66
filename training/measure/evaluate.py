"""Compares two models on one set of pairs that was used to train or calibrate neither."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from db.errors import InvalidInputError
from training.data.pairs import LabelledPair, Labels, labels_of, require_both_labels
from training.measure.figures.bootstrap import Interval, bootstrap
from training.measure.figures.metrics import Floats, asymmetry, summary
from training.measure.scoring.scores import cosines, raw_scores
from worker.inference.encoder import Encoder
from worker.weights.load import load_encoder, load_reranker

_COSINE = "cosine:"
_SAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One model's probabilities (or cosines) for a set of pairs, and its figures."""

    name: str
    scores: Floats
    asymmetry: float | None = None
    """Mean difference in probability between both orders; None for a cosine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A pair that two models rank differently."""

    pair: LabelledPair
    first: float
    second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of `compare`."""

    names: tuple[str, str]
    summaries: tuple[dict[str, float], dict[str, float]]
    average_precision: tuple[Interval, Interval]
    difference: Interval
    """Average precision of the second model less that of the first."""
    disagreements: Sequence[Disagreement]


def score(name: str, pairs: Sequence[LabelledPair], *, encoder: Encoder, cache: Path) -> Scored:
    """Return the scores of *pairs* by the model called *name*, as the service would run it.

    ``cosine`` is *encoder* alone, ``cosine:NAME`` another bi-encoder. Any other name is a
    CrossEncoder, fused with the cosine if it has a rule for *encoder*. Raises the errors of
    `load_reranker` and `load_encoder`.
    """
    if name == "cosine":
        return Scored(name=name, scores=cosines(pairs, encoder))
    if name.startswith(_COSINE):
        other = load_encoder(name.removeprefix(_COSINE), cache=cache)
        return Scored(name=name, scores=cosines(pairs, other))
    reranker = load_reranker(name, cache=cache)
    raw = raw_scores(pairs, reranker=reranker, encoder=encoder)
    fusion = reranker.calibration.for_bi_encoder(encoder.digest).fusion
    return Scored(
        name=name,
        scores=fusion.probability(raw.logit, raw.cosine, raw.traits),
        asymmetry=asymmetry(raw.forward, raw.backward),
    )


def compare(
    first: Scored,
    second: Scored,
    pairs: Sequence[LabelledPair],
    *,
    samples: int = _SAMPLES,
    seed: int = 1,
    shown: int = 20,
) -> Comparison:
    """Return both models' figures with bootstrap intervals, and pairs they rank most differently.

    Raises `InvalidInputError` if the pairs do not have both labels, or a pair has no score.
    """
    require_both_labels(pairs, what="the set to compare on")
    if not len(first.scores) == len(second.scores) == len(pairs):
        raise InvalidInputError("both models must have scored every pair")
    labels = labels_of(pairs)
    intervals, difference = bootstrap(
        labels, [first.scores, second.scores], samples=samples, seed=seed
    )
    return Comparison(
        names=(first.name, second.name),
        summaries=(_figures(first, labels), _figures(second, labels)),
        average_precision=(intervals[0], intervals[1]),
        difference=difference,
        disagreements=_disagreements(first, second, pairs, shown=shown),
    )


def _figures(scored: Scored, labels: Labels) -> dict[str, float]:
    if scored.asymmetry is not None:
        return dict(summary(labels, scored.scores)) | {"asymmetry": scored.asymmetry}
    # A cosine is not a probability; scaled to 0 to 1 its ranking figures stay the same.
    figures = dict(summary(labels, np.clip((scored.scores + 1) / 2, 0.0, 1.0)))
    del figures["calibration_error"]
    return figures


def _disagreements(
    first: Scored, second: Scored, pairs: Sequence[LabelledPair], *, shown: int
) -> list[Disagreement]:
    """Return the pairs whose ranks differ most; a cosine and a probability have no common scale."""
    gaps = _ranks(first.scores) - _ranks(second.scores)
    return [
        Disagreement(
            pair=pairs[place],
            first=float(first.scores[place]),
            second=float(second.scores[place]),
        )
        for place in np.argsort(-np.abs(gaps), kind="stable")[:shown].tolist()
    ]


def _ranks(scores: Floats) -> Floats:
    ranks = np.empty(len(scores), np.float32)
    ranks[np.argsort(scores, kind="stable")] = np.linspace(0.0, 1.0, len(scores))
    return ranks
