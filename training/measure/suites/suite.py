"""Measures all domains of a suite, decided as served or by rules from the other domains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from training.data.suites import Domain
from training.measure.scoring.stages import Decision, Stages, decide
from training.measure.suites.checkpoints import Checkpoints
from training.measure.suites.domains import (
    NEAREST,
    STAGES,
    DomainFigures,
    Measured,
    OnProgress,
    figures,
    measure,
)
from training.measure.suites.left_out import leave_one_out


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFigures:
    """The figures, and the models that were measured."""

    bi_encoder: str
    reranker: str
    digests: tuple[str, str]
    """The digests of the bi-encoder and of the reranker."""
    is_left_out: bool
    """Whether each domain was decided by a rule that was fitted on other domains."""
    domains: Sequence[DomainFigures]

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """Return the mean average precision by stage, of labelled pairs and of mining sets.

        Each domain counts the same.
        """
        kinds = {
            "pairs": [one for one in self.domains if not one.is_mining],
            "mining": [one for one in self.domains if one.is_mining],
        }
        return {kind: _means(domains) for kind, domains in kinds.items() if domains}


def _means(domains: Sequence[DomainFigures]) -> dict[str, float]:
    return {
        stage: float(np.mean([one.average_precision[stage].value for one in domains]))
        for stage in STAGES
    }


def measure_suite(
    domains: Sequence[Domain],
    stages: Stages,
    *,
    is_left_out: bool = False,
    nearest: int = NEAREST,
    samples: int = 500,
    checkpoints: Checkpoints | None = None,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> SuiteFigures:
    """Return the figures of all *domains*; *nearest* as in `measure`.

    Domains in *checkpoints* are not scored again. Raises `InvalidInputError` if *is_left_out*
    leaves nothing to calibrate on.
    """
    measured = []
    for domain in domains:
        score = partial(measure, domain, stages, nearest=nearest, on_progress=on_progress)
        measured.append(checkpoints.kept(domain, nearest, score) if checkpoints else score())
    decisions = (_left_out if is_left_out else _served)(measured, stages)
    found = []
    for one, decision in zip(measured, decisions, strict=True):
        found.append(figures(one, decision, samples=samples))
        on_progress("bootstrap", 1, len(measured))
    encoder, reranker = stages.matcher.encoder, stages.matcher.reranker
    return SuiteFigures(
        bi_encoder=encoder.name,
        reranker=reranker.name,
        digests=(encoder.digest, reranker.digest),
        is_left_out=is_left_out,
        domains=found,
    )


def _served(measured: Sequence[Measured], stages: Stages) -> list[Decision]:
    return [stages.decide(one.scores) for one in measured]


def _left_out(measured: Sequence[Measured], stages: Stages) -> list[Decision]:
    # What a reranker knows of other scripts is its own; no domain's labels were needed for it.
    own = stages.matcher.rule.fusion.unknown_script
    rules = [
        replace(rule, fusion=replace(rule.fusion, unknown_script=own))
        for rule in leave_one_out(measured)
    ]
    return [decide(one.scores, rule) for one, rule in zip(measured, rules, strict=True)]
