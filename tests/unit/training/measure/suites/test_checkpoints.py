from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.data.pairs import LabelledPair
from training.data.suites import Domain, MiningDomain, PairsDomain
from training.measure.scoring.stages import Stages
from training.measure.suites.checkpoints import Checkpoints
from training.measure.suites.suite import measure_suite
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.matcher import Matcher

PAIRS = PairsDomain(
    name="boots",
    pairs=[
        LabelledPair(f"how to mend boots {n}", f"how to {what} boots {n}", label)
        for n in range(9)
        for what, label in (("repair old", 1.0), ("sell", 0.0))
    ],
)
QUESTIONS = MiningDomain(
    name="boots",
    titles=[f"how to {what} boots {n}" for n in range(4) for what in ("mend", "repair")],
    bodies=[""] * 8,
    groups=[place // 2 for place in range(8)],
)


@pytest.fixture
def stages() -> Stages:
    return Stages(Matcher.of(WordEncoder(), WordReranker()))


class StoppedError(Exception):
    pass


def test_a_run_that_was_interrupted_goes_on_and_ends_as_if_it_had_not_been(
    stages: Stages, tmp_path: Path
) -> None:
    domains: list[Domain] = [PAIRS, QUESTIONS]
    scored: list[str] = []

    def stop_at_the_second(stage: str, _done: int, _total: int) -> None:
        scored.append(stage)
        if stage.startswith(QUESTIONS.label):
            raise StoppedError

    with pytest.raises(StoppedError):
        measure_suite(
            domains,
            stages,
            checkpoints=Checkpoints(tmp_path, stages),
            on_progress=stop_at_the_second,
        )
    scored.clear()
    found = measure_suite(
        domains,
        stages,
        checkpoints=Checkpoints(tmp_path, stages),
        on_progress=lambda stage, _done, _total: scored.append(stage),
    )

    assert PAIRS.label not in scored
    assert any(stage.startswith(QUESTIONS.label) for stage in scored)
    assert found == measure_suite(domains, stages)


@pytest.mark.parametrize(
    "other",
    [
        replace(PAIRS, pairs=[*PAIRS.pairs[1:], PAIRS.pairs[0]]),
        replace(PAIRS, pairs=[replace(one, label=1 - one.label) for one in PAIRS.pairs]),
    ],
)
def test_what_was_kept_of_another_domain_of_the_name_is_not_taken(
    stages: Stages, tmp_path: Path, other: PairsDomain
) -> None:
    kept = Checkpoints(tmp_path, stages)
    measure_suite([PAIRS], stages, checkpoints=kept)

    found = measure_suite([other], stages, checkpoints=kept)

    assert found == measure_suite([other], stages)


def test_a_damaged_file_is_measured_again(stages: Stages, tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, stages)
    first = measure_suite([PAIRS], stages, checkpoints=kept)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])

    assert measure_suite([PAIRS], stages, checkpoints=kept) == first
    assert np.load(path)["labels"].shape == (18,)
