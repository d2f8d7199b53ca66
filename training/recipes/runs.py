"""Runs a recipe from files to a folder: reads, trains, calibrates and reports.

One half of dev chooses the checkpoint and fits the calibration, the other is for the report.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer

from training.data.pairs import LabelledPair, labels_of, require_both_labels
from training.data.reading import read_pairs
from training.data.splits import check_leaks, split
from training.measure import report
from training.measure.figures.calibrate import RawScores, calibrate, fit_fusion
from training.measure.figures.metrics import Floats, asymmetry, summary
from training.measure.scoring.scores import full_precision, raw_scores
from training.recipes import adapter, cross_encoder, sentence_transformer
from training.recipes.progress import Model, Trained
from training.recipes.ranks import Rank
from worker.inference.encoder import Encoder
from worker.scoring.calibration import Calibration
from worker.weights.merging import merge

MODEL_FOLDER, ADAPTER_FOLDER, WORK_FOLDER = "model", "adapter", "checkpoints"
_DEV_SHARE = 0.1
_HALVES = {"calibrate": 0.5, "report": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Training and development pairs that share no question, and the files they came from."""

    train: Sequence[LabelledPair]
    dev: Sequence[LabelledPair]
    sources: Mapping[str, str]
    """SHA-256 by file."""
    notes: Sequence[str]
    """Notes for people about the files, one line each."""


class _Seeded(Protocol):
    @property
    def seed(self) -> int: ...


def load_data(train: Path | str, dev: Path | str | None, *, seed: int) -> Data:
    """Return the data of a run; without *dev*, it is a tenth of the components of *train*.

    Both are sources for `read_pairs`; labels of *train* may be soft. Raises `LeakError` if a
    question is in both, `PairsError` and `HubError` if one cannot be used, `InvalidInputError` if a
    part has only one label.
    """
    read = {train: read_pairs(train, soft=True)}
    if dev is None:
        shares = {"train": 1 - _DEV_SHARE, "dev": _DEV_SHARE}
        parts = split(read[train].pairs, seed=seed, shares=shares).parts
    else:
        read[dev] = read_pairs(dev)
        parts = {"train": read[train].pairs, "dev": read[dev].pairs}
        check_leaks(parts)
    for name, pairs in parts.items():
        require_both_labels(pairs, what=f"the {name} set")
    return Data(
        train=parts["train"],
        dev=parts["dev"],
        sources={str(path): found.sha256 for path, found in read.items()},
        notes=[f"{path}: {line}" for path, found in read.items() for line in found.summary()],
    )


def train_cross_encoder(
    config: cross_encoder.CrossEncoderConfig,
    data: Data,
    *,
    output: Path,
    encoder: Encoder,
    resume: bool = False,
) -> report.Figures:
    """Train, calibrate and report a reranker in the folder *output*, and return its figures.

    If there are several processes, only the first continues after the training; the others return
    no figures. Raises the errors of `dev_halves` and of the recipe.
    """
    done = _trained(cross_encoder.train, config, data, output=output, resume=resume)
    if done is None:
        return {}
    folder = output / MODEL_FOLDER
    save_reranker(done.model, folder)
    return _report_reranker("CrossEncoder", config, data, done, output=output, encoder=encoder)


def train_adapter(
    config: adapter.AdapterConfig,
    data: Data,
    *,
    output: Path,
    encoder: Encoder,
    resume: bool = False,
) -> report.Figures:
    """Train an adapter, and merge it with its base into a reranker in the folder *output*.

    Everything else is as in `train_cross_encoder`.
    """
    done = _trained(adapter.train, config, data, output=output, resume=resume)
    if done is None:
        return {}
    adapter.save(done.model, output / ADAPTER_FOLDER)
    merge(Path(config.base), output / ADAPTER_FOLDER, output / MODEL_FOLDER, scale=config.scale)
    return _report_reranker("adapter", config, data, done, output=output, encoder=encoder)


def _trained(
    train: Callable[..., Trained[Model]],
    config: _Seeded,
    data: Data,
    *,
    output: Path,
    resume: bool,
) -> Trained[Model] | None:
    """Train with one half of dev for choices; return None in all processes but the first."""
    choices = dev_halves(data.dev, seed=config.seed)["calibrate"]
    done = train(config, data.train, choices, work=output / WORK_FOLDER, resume=resume)
    return done if Rank().is_first else None


def _report_reranker(
    recipe: str,
    config: cross_encoder.CrossEncoderConfig,
    data: Data,
    done: Trained[CrossEncoder],
    *,
    output: Path,
    encoder: Encoder,
) -> report.Figures:
    """Calibrate the reranker of a run on one half of dev and report on the other."""
    halves, folder = dev_halves(data.dev, seed=config.seed), output / MODEL_FOLDER
    calibration = calibrate_reranker(folder, halves["calibrate"], encoder=encoder)
    raw = raw_scores(halves["report"], reranker=full_precision(folder), encoder=encoder)
    probabilities = _probabilities(raw, calibration, encoder.digest)
    figures = _reranker_figures(probabilities, raw, halves["report"])
    run = _run(recipe, config, data, done, metrics=figures)
    return _reported(run, output, halves["report"], probabilities)


def _run(
    recipe: str,
    config: _Seeded,
    data: Data,
    done: Trained[Any],
    *,
    metrics: report.Figures,
    notes: Sequence[str] = (),
) -> report.Run:
    return report.Run(
        recipe=recipe,
        config=asdict(config),  # type: ignore[call-overload]  # every recipe's is a dataclass
        data=data.sources,
        seed=config.seed,
        history=done.history,
        pairs_a_step=done.pairs_a_step,
        metrics=metrics,
        notes=[*data.notes, *notes],
    )


def train_sentence_transformer(
    config: sentence_transformer.SentenceTransformerConfig,
    data: Data,
    *,
    output: Path,
    resume: bool = False,
) -> report.Figures:
    """Train and report a bi-encoder, as `train_cross_encoder` does with a reranker."""
    done = _trained(sentence_transformer.train, config, data, output=output, resume=resume)
    if done is None:
        return {}
    done.model.save_pretrained(str(output / MODEL_FOLDER), create_model_card=False)
    halves = dev_halves(data.dev, seed=config.seed)
    before = _cosine_probabilities(SentenceTransformer(config.base), halves)
    after = _cosine_probabilities(done.model, halves)
    labels = labels_of(halves["report"])
    run = _run(
        "SentenceTransformer",
        config,
        data,
        done,
        metrics={"before": summary(labels, before), "after": summary(labels, after)},
        notes=_retrieval_notes(done.model, halves["report"]),
    )
    return _reported(run, output, halves["report"], {"before": before, "after": after})


def dev_halves(pairs: Sequence[LabelledPair], *, seed: int) -> Mapping[str, Sequence[LabelledPair]]:
    """Return the half for choices and the half for the report.

    Raises `InvalidInputError` if a half has only one label.
    """
    halves = split(pairs, seed=seed, shares=_HALVES).parts
    for name, half in halves.items():
        require_both_labels(half, what=f"the half of dev to {name} on")
    return halves


def save_reranker(model: CrossEncoder, folder: Path) -> None:
    """Save *model* in half precision, as a sentence-transformers folder without a model card.

    The library's own card would quote training rows.
    """
    model.to(torch.float16).save_pretrained(str(folder), create_model_card=False)


def calibrate_reranker(
    folder: Path, pairs: Sequence[LabelledPair], *, encoder: Encoder
) -> Calibration:
    """Fit the calibration of the reranker in *folder*, save it there and return it.

    Rules for other bi-encoders stay.
    """
    reranker = full_precision(folder)
    raw = raw_scores(pairs, reranker=reranker, encoder=encoder)
    calibration = calibrate(
        raw, labels_of(pairs), bi_encoder=encoder.digest, known=reranker.calibration
    )
    calibration.save(folder)
    return calibration


def _probabilities(raw: RawScores, calibration: Calibration, bi_encoder: str) -> dict[str, Floats]:
    fused = calibration.for_bi_encoder(bi_encoder).fusion
    return {
        "cosine": np.clip(raw.cosine, 0.0, 1.0),
        "reranker": calibration.logit_only.probability(raw.logit, raw.cosine, raw.traits),
        "fused": fused.probability(raw.logit, raw.cosine, raw.traits),
    }


def _reranker_figures(
    probabilities: Mapping[str, Floats], raw: RawScores, pairs: Sequence[LabelledPair]
) -> report.Figures:
    labels = labels_of(pairs)
    figures = {name: dict(summary(labels, scores)) for name, scores in probabilities.items()}
    figures["reranker"]["asymmetry"] = asymmetry(raw.forward, raw.backward)
    return figures


def _cosine_probabilities(
    model: SentenceTransformer, halves: Mapping[str, Sequence[LabelledPair]]
) -> Floats:
    """Return probabilities for the half to report on, calibrated on the other half."""
    cosines = {name: sentence_transformer.cosines(model, half) for name, half in halves.items()}
    fusion = fit_fusion(cosines["calibrate"], None, labels_of(halves["calibrate"]))
    return fusion.probability(cosines["report"], cosines["report"])


def _retrieval_notes(model: SentenceTransformer, pairs: Sequence[LabelledPair]) -> list[str]:
    found = sentence_transformer.dev_evaluator(pairs, batch_size=32)(model)
    if not isinstance(found, dict):
        return []
    kept = ("recall@", "dev-mining_average_precision", "dev-mining_f1")
    return [
        f"{name}: {value:.4f}"
        for name, value in sorted(found.items())
        if any(part in name for part in kept)
    ]


def _reported(
    run: report.Run, output: Path, pairs: Sequence[LabelledPair], scores: dict[str, Floats]
) -> report.Figures:
    report.write(run, output, labels=labels_of(pairs), scores=scores)
    return run.metrics
