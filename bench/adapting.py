"""What `askedbefore adapt` proposes: ``python -m bench.adapting FOLDER``.

FOLDER is a suite (see docs/training.md). Its mining sets are scored like an archive. In the first
table nobody has decided; a share of the known duplicates takes the place of the links of a forum's
own people. In the second table, 50 or 200 of the pairs with a score of 0.4 or more are decided
according to their labels, and the other pairs show what this has changed. The third one compares
lower thresholds with a fixed cosine floor and with the one that falls.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from cli.training.models import DEFAULT_CACHE, ModelCache
from training.data.suites import MiningDomain, Most, read_suite
from worker.adapting.calibrating import NEEDED
from worker.archives.searching.blocks import BlockSearch
from worker.archives.searching.mining import near_questions
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.expectation import THRESHOLDS, Survey, expect, suggest
from worker.scoring.gate import Screen
from worker.scoring.recalibration import Doubles, Line, fit, quality, try_out
from worker.settings import Profile
from worker.text.normal import TextFields, seen
from worker.weights.load import load_encoder, load_reranker
from worker.weights.profiles import model_names

SAMPLE = 400
_TOP_K = 20
DECISIONS = (50, 200)
_LOOKED_AT = 0.4
"""Lowest score of the decided pairs: below the threshold, as in a forum that reviews more pairs."""
_DRAWS = 20
"""Random draws of the decided pairs; the figures are means over the draws."""
_HEAD = """\
| set | questions | flagged, estimated | P, R | models say | linked | proved | proposed | then |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |"""
_DECIDED = """
| set | decided | learnt | error of what is said, before, after | P, R before | P, R after |
| --- | ---: | ---: | ---: | --- | --- |"""

_FLOORS = """
| set | threshold | P, R, fixed floor | P, R, falling floor |
| --- | ---: | --- | --- |"""
_LOWER = (0.4, 0.3)


def main(
    folder: Path,
    profile: Profile = Profile.FAST,
    questions: Annotated[int, typer.Option(help="Of each set, whole groups of them.")] = 2_000,
    cache: ModelCache = DEFAULT_CACHE,
) -> None:
    """Print three tables: before anybody decided, after some decisions, and by the cosine floor."""
    names = model_names(profile, cache)
    matcher = Matcher.of(
        load_encoder(names.bi_encoder, cache=cache), load_reranker(names.reranker, cache=cache)
    )
    decided, floors = [_DECIDED], [_FLOORS]
    print(_HEAD)
    try:
        for domain in read_suite(folder, most=Most(questions=questions)):
            if isinstance(domain, MiningDomain):
                found = _mined(domain, matcher)
                print("\n".join(_rows(found, matcher.threshold)), flush=True)
                decided += [_decided(found, matcher.threshold, count) for count in DECISIONS]
                floors += [_floors(found, matcher, one) for one in _LOWER]
    finally:  # an interrupted run prints its figures too
        print("\n".join(decided + floors))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mined:
    domain: MiningDomain
    near: Near
    read: Doubles  # (n,), scores of all near pairs, whether or not they reach the floor
    scores: Doubles  # (n,), as served: no pair exceeds the threshold whose floor it reaches
    same: NDArray[np.bool_]  # (n,)


def _mined(domain: MiningDomain, matcher: Matcher) -> _Mined:
    rows = zip(domain.titles, domain.bodies, strict=True)
    texts = [seen(title, body, fields=TextFields.TITLE_BODY) for title, body in rows]
    vectors = np.empty((len(texts), matcher.encoder.dimension), np.float16)
    lowest = replace(matcher, threshold=THRESHOLDS[0])
    near = near_questions(
        matcher,
        texts,
        vectors,
        screen=Screen(floor=lowest.floor),
        search=BlockSearch(),
        top_k=_TOP_K,
        on_progress=lambda *_: None,
    )
    read, _ = lowest.score_many(texts, near)
    scores = np.minimum(read, matcher.reach(near.cosines.astype(np.float32)))
    groups = np.array(domain.groups)
    same = groups[near.left] == groups[near.right]
    read, scores = read.astype(np.float64), scores.astype(np.float64)
    return _Mined(domain=domain, near=near, read=read, scores=scores, same=same)


def _floors(found: _Mined, matcher: Matcher, threshold: float) -> str:
    """Return a row of the third table."""
    is_read = found.near.cosines >= matcher.rule.cosine_floor
    sides = (is_read & (found.read >= threshold), found.scores >= threshold)
    cells = (_figures(one, found.same, found.domain.same) for one in sides)
    return f"| {' | '.join((found.domain.name, f'{threshold:.2f}', *cells))} |"


def _decided(found: _Mined, threshold: float, count: int) -> str:
    """Return a row of the second table: *count* pairs are decided, and the others are measured."""
    pool = np.flatnonzero(found.scores >= _LOOKED_AT)
    drawn = [np.random.default_rng(seed).permutation(pool)[:count] for seed in range(_DRAWS)]
    tried = [_after(found, threshold, part) for part in drawn]
    learnt = [one for one in tried if one is not None]
    cells = (found.domain.name, f"{count}", f"{len(learnt)} of {_DRAWS}")
    if not learnt:
        return f"| {' | '.join((*cells, '', '', ''))} |"
    before, after, *figures = np.mean(learnt, axis=0)
    ranked = ["{:.2f}, {:.2f}".format(*figures[:2]), "{:.2f}, {:.2f}".format(*figures[2:])]
    return f"| {' | '.join((*cells, f'{before:.2f}, {after:.2f}', *ranked))} |"


def _after(found: _Mined, threshold: float, decided: NDArray[np.int64]) -> list[float] | None:
    """Return both errors on the pairs that nobody decided, then P and R of both."""
    labels = found.same[decided].astype(np.float64)
    if min(labels.sum(), len(labels) - labels.sum()) < NEEDED:
        return None
    trial = try_out(found.scores[decided], labels, Line())
    if not (trial.is_better and trial.is_ordered):
        return None
    moved = fit(found.scores[decided], labels).probability(found.scores)
    rest = np.setdiff1d(np.flatnonzero(found.scores >= _LOOKED_AT), decided)
    if not len(rest):
        return None
    same = found.same[rest].astype(np.float64)
    errors = [quality(one[rest], same).calibration_error for one in (found.scores, moved)]
    sides = (found.scores >= threshold, moved >= threshold)
    total = found.domain.same
    right = [
        (found.same[one].mean() if one.any() else 1.0, found.same[one].sum() / total)
        for one in sides
    ]
    return [*errors, *right[0], *right[1]]


def _rows(found: _Mined, threshold: float) -> list[str]:
    return [
        _row(found.domain, found.near, found.scores, found.same, share, threshold)
        for share in (1.0, 0.5)
    ]


def _row(  # noqa: PLR0917  # what a row of the table is made of
    domain: MiningDomain,
    near: Near,
    scores: NDArray[np.float64],
    same: NDArray[np.bool_],
    share: float,
    threshold: float,
) -> str:
    found = _survey(len(domain.titles), near, scores, same, share)
    now = expect(found, threshold)
    proposed = suggest(found, threshold)
    flagged = scores >= threshold
    cells = (
        domain.name,
        f"{len(domain.titles):,}",
        f"{int(flagged.sum()):,}, {now.flags:,}",
        _figures(flagged, same, domain.same),
        f"{now.said:.2f}" if now.said is not None else "",
        f"{share:.0%}",
        f"{now.at_least:.2f}",
        f"{proposed:.2f}" if proposed else "none",
        _figures(scores >= proposed, same, domain.same) if proposed else "",
    )
    return f"| {' | '.join(cells)} |"


def _survey(
    count: int,
    near: Near,
    scores: NDArray[np.float64],
    same: NDArray[np.bool_],
    share: float,
) -> Survey:
    chance = np.random.default_rng(3)
    linked = same & (chance.random(len(same)) < share)
    chosen = np.zeros(count, dtype=np.float64)
    chosen[chance.permutation(count)[:SAMPLE]] = 0.5
    weight = chosen[near.left] + chosen[near.right]
    met = weight > 0
    return Survey(
        questions=count,
        sampled=min(SAMPLE, count),
        probability=scores[met],
        weight=weight[met],
        is_known=linked[met],
        known=scores[met & linked],
        density=0.0,
    )


def _figures(flagged: NDArray[np.bool_], same: NDArray[np.bool_], total: int) -> str:
    right = int(same[flagged].sum())
    return f"{right / max(int(flagged.sum()), 1):.2f}, {right / total:.2f}"


if __name__ == "__main__":
    typer.run(main)
