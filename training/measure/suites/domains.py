"""Measures how well each stage ranks a domain: labelled pairs, or near pairs of a mining set."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.data.pairs import Labels, labels_of
from training.data.suites import Domain, MiningDomain
from training.measure.figures.bootstrap import (
    Draw,
    Interval,
    intervals,
    samples_of_pairs,
    samples_of_questions,
)
from training.measure.figures.curves import Point, Sweep
from training.measure.figures.metrics import asymmetry, calibration_error
from training.measure.scoring.stages import Decision, PairTexts, Stages, StageScores
from training.measure.suites.languages import languages_of
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import densities, near_questions
from worker.matching.matcher import Matcher
from worker.scoring.fusion import Floats
from worker.scoring.gate import Screen
from worker.text.normal import Seen, TextFields, seen

STAGES = ("cosine_titles", "cosine_whole", "cross_encoder", "served")
PRECISIONS = (0.75, 0.9)
"""Precisions for which the recall is told."""
NEAREST = 12_000
"""So many of the nearest pairs of a mining set, by each cosine, are scored."""
_LEAST_COSINE = 0.2
_TOP_K = 100

OnProgress = Callable[[str, int, int], None]
"""Called with the step (with the domain's name), the units just done, and the units in all."""
Members = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One domain's pairs with the scores of every stage."""

    domain: Domain
    scores: StageScores
    labels: Labels  # (n,), 1 where both questions are the same
    members: Members  # (n, 2), both questions of each pair, by number; empty without a mining set
    same: int
    """Number of all pairs that are the same, also of those that no search found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFigures:
    """The figures of one domain in a table."""

    name: str
    label: str
    """The name for people; it shows whether this is a mining set."""
    is_mining: bool
    languages: Mapping[str, float]
    """Share of each language among its questions; see `languages_of`."""
    unknown_script: float
    """Share of the pairs in a script that the models do not know."""
    unknown_script_weight: float
    """Share of the CrossEncoder's weight in the score of such pairs."""
    pairs: int
    same: int
    average_precision: Mapping[str, Interval]
    """Average precision of each stage."""
    threshold: float
    flagged: int
    precision: float | None
    """Share of the flagged pairs that are the same; None if nothing is flagged."""
    recall: float
    """Share of the pairs that are the same and are flagged."""
    recall_at: Mapping[str, float]
    """The recall that the service can have with each of `PRECISIONS`, such as ``{"0.75": 0.6}``."""
    curves: Mapping[str, Sequence[Point]]
    """Precision by recall, of the service and of the cosine alone."""
    calibration_error: float
    asymmetry: float
    """Mean difference between the probabilities of the two orders, by the CrossEncoder alone."""


def measure(
    domain: Domain,
    stages: Stages,
    *,
    nearest: int = NEAREST,
    on_progress: OnProgress = lambda _stage, _done, _total: None,
) -> Measured:
    """Return the domain's pairs with their scores; of a mining set its *nearest* pairs.

    If there are bodies, the *nearest* pairs by titles and those by whole texts are both used.
    """
    if isinstance(domain, MiningDomain):
        return _mined(domain, stages, nearest, on_progress)
    texts = [PairTexts(p.question1, p.question2, p.body1, p.body2) for p in domain.pairs]
    labels = labels_of(domain.pairs)
    return Measured(
        domain=domain,
        scores=_scored(domain, texts, stages, on_progress),
        labels=labels,
        members=np.zeros((0, 2), np.int64),
        same=int(labels.sum()),
    )


def figures(
    measured: Measured, decision: Decision, *, samples: int = 500, seed: int = 1
) -> DomainFigures:
    """Return the figures of a domain with this *decision*."""
    scores, labels = measured.scores, measured.labels
    stages = (scores.cosine_titles, scores.cosine_whole, scores.logit, decision.probability)
    draws = _draws(measured, samples=samples, seed=seed)
    found = intervals(labels, stages, draws, same=measured.same)
    flagged = int(decision.flagged.sum())
    right = int(labels[decision.flagged].sum())
    sweeps = _sweeps(measured, decision)
    return DomainFigures(
        name=measured.domain.name,
        label=measured.domain.label,
        is_mining=isinstance(measured.domain, MiningDomain),
        languages=languages_of(measured.domain),
        unknown_script=float(scores.foreign.mean()) if len(labels) else 0.0,
        unknown_script_weight=decision.unknown_script,
        pairs=len(labels),
        same=measured.same,
        average_precision=dict(zip(STAGES, found, strict=True)),
        threshold=decision.threshold,
        flagged=flagged,
        precision=right / flagged if flagged else None,
        recall=right / measured.same,
        recall_at={f"{one:.2f}": sweeps["served"].recall_at(one) for one in PRECISIONS},
        curves={stage: sweep.curve() for stage, sweep in sweeps.items()},
        calibration_error=calibration_error(labels, decision.probability),
        asymmetry=asymmetry(scores.forward, scores.backward),
    )


def _sweeps(measured: Measured, decision: Decision) -> Mapping[str, Sweep]:
    """Return the sweeps of the stages with a curve. The service can only flag what it looks at."""
    labels, same, is_seen = measured.labels, measured.same, decision.looked_at
    return {
        "cosine_whole": Sweep.of(labels, measured.scores.cosine_whole, same=same),
        "served": Sweep.of(labels[is_seen], decision.probability[is_seen], same=same),
    }


def _draws(measured: Measured, *, samples: int, seed: int) -> Iterator[Draw]:
    domain = measured.domain
    if isinstance(domain, MiningDomain):
        groups = np.array(domain.groups, np.int64)
        return samples_of_questions(groups, measured.members, samples=samples, seed=seed)
    return samples_of_pairs(measured.labels, samples=samples, seed=seed)


def _scored(
    domain: Domain, texts: Sequence[PairTexts], stages: Stages, on_progress: OnProgress
) -> StageScores:
    return stages.score_many(
        texts, on_done=lambda count: on_progress(domain.label, count, len(texts))
    )


def _mined(domain: MiningDomain, stages: Stages, nearest: int, on_progress: OnProgress) -> Measured:
    members, density = _near_pairs(domain, stages.matcher, nearest, on_progress)
    titles, bodies = domain.titles, domain.bodies
    texts = [PairTexts(titles[a], titles[b], bodies[a], bodies[b]) for a, b in members.tolist()]
    groups = np.array(domain.groups, np.int64)
    return Measured(
        domain=domain,
        scores=replace(_scored(domain, texts, stages, on_progress), density=density),
        labels=(groups[members[:, 0]] == groups[members[:, 1]]).astype(np.int64),
        members=members,
        same=domain.same,
    )


def _near_pairs(
    domain: MiningDomain, matcher: Matcher, nearest: int, on_progress: OnProgress
) -> tuple[Members, Floats]:
    """Return the nearest pairs by the cosines of titles and of whole texts, (n, 2).

    Also return the density around each pair, (n,), by the whole texts.
    """
    rows = zip(domain.titles, domain.bodies, strict=True)
    whole = [seen(title, body, fields=TextFields.TITLE_BODY) for title, body in rows]
    titles = [Seen(one.title, one.title) for one in whole]
    wanted = {"titles": titles} if titles == whole else {"titles": titles, "whole": whole}
    found = []
    vectors = np.empty((len(whole), matcher.encoder.dimension), np.float16)
    for what, questions in wanted.items():  # the vectors of whole texts come last and stay
        near = near_questions(
            matcher,
            questions,
            vectors,
            screen=Screen(floor=_LEAST_COSINE),
            search=BlockSearch(),
            top_k=_TOP_K,
            on_progress=_named(f"{domain.label}, {what}", on_progress),
        )
        best = np.argsort(-near.cosine, kind="stable")[:nearest]
        found.append(near.pairs[best].astype(np.int64))
    members = np.unique(np.concatenate(found), axis=0)
    return members, densities(members, vectors)


def _named(name: str, on_progress: OnProgress) -> OnProgress:
    """Return *on_progress* with *name* before each step, because each domain has such steps."""
    return lambda step, done, total: on_progress(f"{name}: {step}", done, total)
