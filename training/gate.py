"""Fits the gate, which predicts from two vectors whether the CrossEncoder would flag a pair.

The gate is a small network of the products, differences and sums of the vectors' components. Its
soft labels are the CrossEncoder's own probabilities. People need not label anything, so any
questions can be used; the best are those of the forums where the gate will be used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits, dropout

from db.errors import InvalidInputError
from db.wording import counted
from training.measure.figures.metrics import Floats
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import OnProgress, near_questions
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker
from worker.matching.matcher import Matcher
from worker.scoring.gate import Gate, Screen, gate_scores
from worker.text.normal import Seen

KEPT = 0.997
"""Share of the flagged held-out pairs that pass the gate."""
LOWER = 0.05
"""The gate's floor is lower than the floor without a gate by this cosine."""
_HELD_OUT = 0.3
_TOP_K = 100
_CHUNK = 2_048
_FEWEST = 200
"""With fewer flagged held-out pairs a share of 0.997 cannot be measured."""

# Chosen on Quora's training questions. With 128 or 512 hidden units, one more layer, twice the
# epochs, or other weights of flagged pairs, the gate left out equally many pairs or 1 to 3 % fewer.
_HIDDEN = 256
_BATCH = 1_024
_STEPS = (400, 8)
"""The least number of steps, and how often each pair is seen."""
_RATE, _DECAY, _DROPOUT, _FLAGGED_WEIGHS = 2e-3, 0.1, 0.2, 4.0

Halves = NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Near pairs with the probability of each from the cascade."""

    left: Halves  # (n, dim)
    right: Halves  # (n, dim)
    probability: Floats  # (n,)
    floor: float
    """Lowest cosine of the pairs."""

    def __len__(self) -> int:
        return len(self.probability)

    def take(self, which: NDArray[np.bool_] | slice | NDArray[np.int64]) -> "Scored":
        """Return some of the pairs."""
        return Scored(
            left=self.left[which],
            right=self.right[which],
            probability=self.probability[which],
            floor=self.floor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A gate, and its figures on the pairs that were held out."""

    gate: Gate
    pairs: int
    flagged: int
    kept: float
    """Share of the flagged pairs that pass."""
    left_out: float
    """Share of all near pairs that do not pass."""


def scored_pairs(
    texts: Sequence[str],
    *,
    reranker: Reranker,
    encoder: Encoder,
    wanted: int,
    seed: int = 1,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> Scored:
    """Return up to *wanted* near pairs of *texts*, scored like those of an archive.

    Raises `InvalidInputError` if no two texts are near.
    """
    matcher = Matcher.of(encoder, reranker, threshold=lowest_threshold(reranker, encoder))
    vectors = np.empty((len(texts), encoder.dimension), np.float16)
    screen = Screen(floor=round(matcher.screen(with_gate=False).floor - LOWER, 6))
    questions = [Seen(text, text) for text in texts]
    near = near_questions(
        matcher,
        questions,
        vectors,
        screen=screen,
        search=BlockSearch(),
        top_k=_TOP_K,
        on_progress=on_progress,
    )
    if not len(near):
        raise InvalidInputError("no two of these questions are near: more are needed")
    some = near.take(np.sort(np.random.default_rng(seed).permutation(len(near))[:wanted]))
    probability, _ = matcher.score_many(
        questions, some, on_done=lambda done: on_progress("score near pairs", done, len(some))
    )
    return Scored(
        left=vectors[some.left],
        right=vectors[some.right],
        probability=probability,
        floor=screen.floor,
    )


def lowest_threshold(reranker: Reranker, encoder: Encoder) -> float:
    """Return the lowest threshold that the reranker's calibration offers."""
    return reranker.calibration.for_bi_encoder(encoder.digest).lowest_threshold


def fit_gate(
    scored: Scored,
    *,
    threshold: float,
    bi_encoder: str,
    seed: int = 1,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> Fitted:
    """Return a gate that keeps pairs at or above *threshold*, fitted on most of *scored*.

    The gate's bar and its figures come from the other pairs. Raises `InvalidInputError` if too few
    of these are flagged.
    """
    held = np.random.default_rng(seed).random(len(scored)) < _HELD_OUT
    rest = scored.take(held)
    flagged = rest.probability >= threshold
    if flagged.sum() < _FEWEST:
        raise InvalidInputError(
            f"only {flagged.sum()} of {counted(len(rest), 'pair')} held out are flagged, {_FEWEST}"
            " are needed: give more questions, or questions with duplicates among them"
        )
    weights = _fitted(scored.take(~held), seed, on_progress)
    scores = _scores(rest, weights)
    bar = float(np.quantile(scores[flagged], 1 - KEPT))
    names = ("product", "difference", "total", "bias", "out")
    return Fitted(
        gate=Gate(
            bi_encoder=bi_encoder,
            threshold=threshold,
            floor=scored.floor,
            bar=bar,
            **dict(zip(names, weights, strict=True)),
        ),
        pairs=len(rest),
        flagged=int(flagged.sum()),
        kept=float((scores[flagged] >= bar).mean()),
        left_out=float((scores < bar).mean()),
    )


def _fitted(scored: Scored, seed: int, on_progress: OnProgress) -> tuple[Floats, ...]:
    """Return the weights that `gate_scores` expects."""
    some = _features(scored.take(slice(0, 64 * _BATCH)))
    middle, spread = some.mean(0), some.std(0).clamp(min=1e-4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first, last = torch.nn.Linear(some.shape[1], _HIDDEN), torch.nn.Linear(_HIDDEN, 1)
        model = torch.nn.Sequential(
            first, torch.nn.ReLU(), torch.nn.Dropout(_DROPOUT), last, torch.nn.Flatten(0)
        )
        _train(model, scored, lambda rows: (rows - middle) / spread, on_progress)
    with torch.no_grad():  # the weights include the standardisation
        inner = first.weight / spread
        bias = first.bias - inner @ middle
        matrices = [one.T.numpy() for one in inner.chunk(3, dim=1)]
    # The bias of the last layer is the same for every pair, so the bar includes it.
    return (*matrices, bias.numpy(), last.weight.detach()[0].numpy())


def _train(
    model: torch.nn.Module,
    scored: Scored,
    standardised: Callable[[torch.Tensor], torch.Tensor],
    on_progress: OnProgress,
) -> None:
    fewest, times = _STEPS
    steps = max(fewest, times * len(scored) // _BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    for _ in range(steps):
        rows = scored.take(torch.randint(len(scored), (_BATCH,)).numpy())
        likely = torch.from_numpy(rows.probability)
        heavy = 1.0 + (_FLAGGED_WEIGHS - 1.0) * likely
        guess = model(dropout(standardised(_features(rows)), _DROPOUT))
        loss = (binary_cross_entropy_with_logits(guess, likely, reduction="none") * heavy).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        on_progress("fit", 1, steps)


def _features(scored: Scored) -> torch.Tensor:
    """Return products, differences and sums of the components, (n, 3 * dim)."""
    left, right = (torch.from_numpy(one.astype(np.float32)) for one in (scored.left, scored.right))
    return torch.cat((left * right, (left - right).abs(), left + right), dim=1)


def _scores(scored: Scored, weights: Sequence[Floats]) -> Floats:
    parts = [scored.take(slice(at, at + _CHUNK)) for at in range(0, len(scored), _CHUNK)]
    return np.concatenate(
        [
            gate_scores(part.left.astype(np.float32), part.right.astype(np.float32), weights)
            for part in parts
        ]
    )
