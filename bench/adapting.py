"""What `askedbefore adapt` proposes without decisions: ``python -m bench.adapting FOLDER``.

FOLDER is a suite (see docs/training.md); of it the mining sets are used. A share of the duplicates
that are known stands for what a forum's own people have linked.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from training.data.suites import MiningDomain, Most, read_suite
from worker.archives.blocks import BlockSearch
from worker.archives.mining import near_questions
from worker.matching.matcher import Matcher
from worker.matching.near import Near
from worker.scoring.expectation import THRESHOLDS, Survey, expect, suggest
from worker.scoring.gate import Screen
from worker.settings import Profile
from worker.text.normal import TextFields, seen
from worker.weights.load import MODEL_CACHE, load_encoder, load_reranker
from worker.weights.profiles import model_names

SAMPLE = 400
_TOP_K = 20
_FLOOR = 0.4
_HEAD = """\
| set | questions | flagged, estimated | P, R | models say | linked | proved | proposed | then |
| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |"""


def main(
    folder: Path,
    profile: Profile = Profile.FAST,
    questions: Annotated[int, typer.Option(help="Of each set, whole groups of them.")] = 2_000,
) -> None:
    """Print a table: each mining set with all of its duplicates linked, and with half of them."""
    names = model_names(profile, MODEL_CACHE)
    matcher = Matcher.of(
        load_encoder(names.bi_encoder, cache=MODEL_CACHE),
        load_reranker(names.reranker, cache=MODEL_CACHE),
    )
    print(_HEAD)
    for domain in read_suite(folder, most=Most(questions=questions)):
        if isinstance(domain, MiningDomain):
            for row in _rows(domain, matcher):
                print(row, flush=True)


def _rows(domain: MiningDomain, matcher: Matcher) -> list[str]:
    rows = zip(domain.titles, domain.bodies, strict=True)
    texts = [seen(title, body, fields=TextFields.TITLE_BODY) for title, body in rows]
    vectors = np.empty((len(texts), matcher.encoder.dimension), np.float16)
    near = near_questions(
        matcher,
        texts,
        vectors,
        screen=Screen(floor=_FLOOR),
        search=BlockSearch(),
        top_k=_TOP_K,
        on_progress=lambda *_: None,
    )
    scores, _ = replace(matcher, threshold=THRESHOLDS[0]).score_many(texts, near)
    groups = np.array(domain.groups)
    same = groups[near.left] == groups[near.right]
    return [
        _row(domain, near, scores.astype(np.float64), same, share, matcher.threshold)
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
