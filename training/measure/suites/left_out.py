"""Fits for each domain a rule on the other domains only."""

from collections.abc import Sequence

import numpy as np

from db.errors import InvalidInputError
from training.data.suites import PairsDomain
from training.measure.figures.across import LabelledScores, fit_rule, rankings
from training.measure.suites.domains import Measured
from worker.scoring.calibration import Rule


def leave_one_out(measured: Sequence[Measured]) -> list[Rule]:
    """Return for each domain the rule fitted on the labelled pairs of all other domains.

    A mining set and labelled pairs of one name are one domain. Raises `InvalidInputError` if no
    other domain has labelled pairs.
    """
    labelled = [one for one in measured if isinstance(one.domain, PairsDomain)]
    known = {one.domain.name: _scored_by_models(one) for one in labelled}
    usable = {name: one for name, one in known.items() if 0 < one.labels.sum() < len(one.labels)}
    tables = {name: rankings(one) for name, one in usable.items()}
    rules: dict[str, Rule] = {}
    for name in {one.domain.name for one in measured}:
        others = [other for other in usable if other != name]
        if not others:
            raise InvalidInputError(f"no domain but {name} has labelled pairs to calibrate on")
        table = np.stack([tables[other] for other in others])
        rules[name] = fit_rule([usable[other] for other in others], table)
    return [rules[one.domain.name] for one in measured]


def _scored_by_models(one: Measured) -> LabelledScores:
    """Return those pairs of a domain for which the service would run its models."""
    asked = ~(one.scores.foreign | one.scores.same_text)
    scores = one.scores.take(asked)
    return LabelledScores(
        logit=scores.logit,
        cosine=scores.cosine_whole,
        traits=scores.traits,
        labels=one.labels[asked],
    )
