"""The recipe that trains a bi-encoder to put duplicates next to each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.evaluation import BaseEvaluator, SequentialEvaluator
from sentence_transformers.base.sampler import BatchSamplers, MultiDatasetBatchSamplers
from sentence_transformers.sentence_transformer.evaluation import (
    BinaryClassificationEvaluator,
    InformationRetrievalEvaluator,
    ParaphraseMiningEvaluator,
)
from sentence_transformers.sentence_transformer.losses import (
    MultipleNegativesRankingLoss,
    OnlineContrastiveLoss,
)
from torch import nn
from transformers import EarlyStoppingCallback

from db.errors import InvalidInputError
from training.data.mining import hard_negatives, neighbours
from training.data.pairs import LabelledPair
from training.data.splits import Components
from training.measure.figures.metrics import Floats
from training.recipes.fitting import FitConfig, arguments, begin, run
from training.recipes.progress import Trained

_METRIC = "eval_dev_cosine_ap"
_RECALL_AT = [1, 10, 50, 100]
_TEXTS_IN_SILENCE = 2_000
"""With more texts than this a bar shows the progress of the search for negatives."""


class Objective(StrEnum):
    """The objective of training a bi-encoder."""

    RANKING = "ranking"
    """MultipleNegativesRankingLoss: the duplicate must be nearer than all others in the batch, hard
    negatives among them.
    """
    CONTRASTIVE = "contrastive"
    """OnlineContrastiveLoss over labelled pairs."""
    BOTH = "both"
    """Batches of both, in proportion to their rows, so that an epoch has every pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceTransformerConfig(FitConfig):
    """The configuration of a run; saved beside the model, so that the run can be repeated."""

    batch_size: int = 64
    learning_rate: float = 2e-5
    warmup: float = 0.1
    max_length: int = 128
    objective: Objective = Objective.BOTH
    negatives_between: tuple[float, float] = (0.5, 0.92)
    """Cosines of mined negatives: lower ones are too easy, higher ones may be unlabelled
    duplicates.
    """


def train(
    config: SentenceTransformerConfig,
    train_pairs: Sequence[LabelledPair],
    dev_pairs: Sequence[LabelledPair],
    *,
    work: Path,
    resume: bool = False,
) -> Trained[SentenceTransformer]:
    """Return the bi-encoder that did best on *dev_pairs* by average precision of the cosine.

    Checkpoints go to *work*; with *resume* the run continues from the last one. Raises the errors
    of `progress.start`, and `InvalidInputError` if no duplicate has a hard negative.
    """
    checkpoint = begin(config, work, resume=resume)
    model = SentenceTransformer(config.base)
    model.max_seq_length = config.max_length
    data = datasets(model, config, train_pairs)
    trainer = SentenceTransformerTrainer(
        model=model,
        args=_arguments(config, rows=sum(map(len, data.values())), work=work),
        train_dataset=data,
        loss={name: _loss(model, name) for name in data},
        evaluator=dev_evaluator(dev_pairs, batch_size=config.batch_size),
        callbacks=[EarlyStoppingCallback(config.patience)],
    )
    return run(trainer, model, config, checkpoint=checkpoint, metric=_METRIC)


def datasets(
    model: SentenceTransformer, config: SentenceTransformerConfig, pairs: Sequence[LabelledPair]
) -> dict[str, Dataset]:
    """Return the training data by objective; raises `InvalidInputError` as `triplets` does."""
    data = {}
    if config.objective in {Objective.RANKING, Objective.BOTH}:
        data[Objective.RANKING.value] = Dataset.from_list(triplets(model, config, pairs))
    if config.objective in {Objective.CONTRASTIVE, Objective.BOTH}:
        data[Objective.CONTRASTIVE.value] = Dataset.from_list(
            [
                {"sentence1": p.question1, "sentence2": p.question2, "label": round(p.label)}
                for p in pairs
            ]
        )
    return data


def triplets(
    model: SentenceTransformer, config: SentenceTransformerConfig, pairs: Sequence[LabelledPair]
) -> list[dict[str, str]]:
    """Return (anchor, duplicate, hard negative) for every duplicate whose anchor has a negative.

    The negative is a labelled one, or otherwise a mined one, the closest first. Raises
    `InvalidInputError` if no duplicate has a negative.
    """
    duplicates = [(p.question1, p.question2) for p in pairs if round(p.label) == 1]
    negatives: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        if round(pair.label) == 0:
            negatives[pair.question1].append(pair.question2)
            negatives[pair.question2].append(pair.question1)
    lacking = sorted({anchor for anchor, _ in duplicates} - negatives.keys())
    for anchor, other in _mined(model, config, lacking, pairs, Components(duplicates)):
        negatives[anchor].append(other)
    found = [
        {"anchor": anchor, "positive": positive, "negative": negatives[anchor][0]}
        for anchor, positive in duplicates
        if negatives[anchor]
    ]
    if not found:
        raise InvalidInputError("no duplicate has a hard negative: try the contrastive objective")
    return found


def dev_evaluator(pairs: Sequence[LabelledPair], *, batch_size: int) -> BaseEvaluator:
    """Return the evaluator of average precision, recall@k and mining, from one set of pairs."""
    texts = sorted({text for pair in pairs for text in (pair.question1, pair.question2)})
    relevant = _duplicates_of(pairs)
    linked = [(p.question1, p.question2) for p in pairs if round(p.label) == 1]
    return SequentialEvaluator(
        [
            BinaryClassificationEvaluator(
                [pair.question1 for pair in pairs],
                [pair.question2 for pair in pairs],
                [round(pair.label) for pair in pairs],
                name="dev",
                batch_size=batch_size,
                similarity_fn_names=["cosine"],
            ),
            InformationRetrievalEvaluator(
                {text: text for text in relevant},
                {text: text for text in texts if text not in relevant},
                relevant,
                name="dev",
                batch_size=batch_size,
                precision_recall_at_k=_RECALL_AT,
            ),
            ParaphraseMiningEvaluator(
                {text: text for text in texts},
                linked,
                add_transitive_closure=True,
                name="dev-mining",
                batch_size=batch_size,
            ),
        ],
        main_score_function=lambda scores: scores[0],
    )


def cosines(model: SentenceTransformer, pairs: Sequence[LabelledPair]) -> Floats:
    """Return the cosine of every pair, (n,) float32."""
    left, right = (
        np.asarray(model.encode(texts, normalize_embeddings=True, show_progress_bar=False))
        for texts in ([p.question1 for p in pairs], [p.question2 for p in pairs])
    )
    return np.asarray(np.einsum("nd,nd->n", left, right), np.float32)


def _mined(
    model: SentenceTransformer,
    config: SentenceTransformerConfig,
    anchors: Sequence[str],
    pairs: Sequence[LabelledPair],
    known: Components,
) -> list[tuple[str, str]]:
    if not anchors:
        return []
    texts = sorted({text for pair in pairs for text in (pair.question1, pair.question2)})
    place = {text: i for i, text in enumerate(texts)}
    found = model.encode(
        texts, normalize_embeddings=True, show_progress_bar=len(texts) > _TEXTS_IN_SILENCE
    )
    vectors = np.asarray(found, np.float32)
    wanted = np.array([place[anchor] for anchor in anchors])
    low, high = config.negatives_between
    near = neighbours(vectors, wanted, low=low, high=high, limit=min(5, len(texts) - 1))
    closest_first = sorted(near, key=lambda item: (-item[2], item[0], item[1]))
    anchored = set(anchors)
    negatives = hard_negatives(closest_first, texts, known)
    return [(a, b) for x, y in negatives for a, b in ((x, y), (y, x)) if a in anchored]


def _duplicates_of(pairs: Sequence[LabelledPair]) -> dict[str, set[str]]:
    """Return one question of each group of duplicates, with the others of the group."""
    components = Components((p.question1, p.question2) for p in pairs if round(p.label) == 1)
    members: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        for text in (pair.question1, pair.question2):
            members[components.find(text)].add(text)
    groups = [group for group in members.values() if len(group) > 1]
    return {asked: group - {asked} for group in groups for asked in [min(group)]}


def _loss(model: SentenceTransformer, objective: str) -> nn.Module:
    if objective == Objective.RANKING:
        return MultipleNegativesRankingLoss(model)
    return OnlineContrastiveLoss(model)


def _arguments(
    config: SentenceTransformerConfig, *, rows: int, work: Path
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        **arguments(config, rows=rows, work=work, metric=_METRIC),
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
    )
