"""What is proposed to a forum: from its decisions, or from what its people linked; and undone."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session, sessionmaker

from db.pairs import thresholds
from db.tenants import forums
from db.vectors import sampling
from tests.integration.worker.archives.stages.test_steps import mine
from tests.rows.archive_factories import CALIBRATION, bring_in, make_models, make_worker
from worker.adapting import adapting
from worker.adapting.adapting import ACTOR, adapt
from worker.adapting.calibrating import CannotLearnError
from worker.archives.readers.records import KnownPair, Record, SourceQuestion
from worker.archives.report import make_report
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.models import Models
from worker.scoring.calibration import Calibration
from worker.scoring.fusion import Fusion

Factory = sessionmaker[Session]
LINKED = 30
"""Pairs of questions of which half of the words are the same: a probability of one half."""


def questions(*, linked: int) -> list[Record]:
    rows: list[Record] = []
    for n in range(LINKED):
        for side in (0, 1):
            title = f"alpha{n} beta{n} gamma{n}{side}"
            rows.append(SourceQuestion(f"q{n}-{side}", title, line=len(rows) + 1))
        if n < linked:
            rows.append(KnownPair(len(rows) + 1, f"q{n}-0", f"q{n}-1"))
    return rows


def seeded(sessions: Factory, *, linked: int = LINKED) -> Models:
    bring_in(sessions, questions(linked=linked))
    mine(make_worker(sessions))
    return make_models(sessions)


def test_links_prove_a_lower_threshold_which_is_used_and_taken_back(committed: Factory) -> None:
    models = seeded(committed)

    found = adapt(committed, models, "cooks")

    assert found.threshold == 0.3
    assert CALIBRATION.threshold == found.current == 0.6
    by_threshold = {one.threshold: one for one in found.expected}
    assert (by_threshold[0.6].flags, by_threshold[0.4].flags) == (0, LINKED)
    assert (by_threshold[0.6].found, by_threshold[0.4].found) == (0, LINKED)
    with committed.begin() as session:
        assert forums.get_forum(session, "cooks").threshold is None  # nothing is changed yet
        adapting.apply(session, "cooks", found)
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        assert forum.threshold == pytest.approx(0.3)
        assert thresholds.chosen_by(session, forum) == ACTOR
        adapting.take_back(session, "cooks")
    with committed.begin() as session:
        assert forums.get_forum(session, "cooks").threshold is None
        with pytest.raises(CannotLearnError):
            adapting.take_back(session, "cooks")


A_FEW = 3
"""Pairs that are nearer, because the fake encoder gives some words the same place."""
# Half of the words: a cosine of 2/3, below the floor, and a probability of 0.42.
FAR = Calibration(
    bi_encoder=WordEncoder.digest,
    fusion=Fusion(logit=0.1, cosine=10.0, bias=-7.0),
    threshold=0.6,
    cosine_floor=0.7,
    asymmetry=0.4,
)


@pytest.mark.parametrize(("threshold", "found", "floor"), [(None, 0, "0.7"), (0.4, 30, "0.62")])
def test_a_lower_threshold_has_a_lower_floor_and_the_report_says_which(
    committed: Factory, threshold: float | None, found: int, floor: str
) -> None:
    _, archive = bring_in(committed, questions(linked=0))
    if threshold is not None:
        with committed.begin() as session:
            forums.update_forum(session, "cooks", threshold=threshold)
    mine(make_worker(committed, reranker=WordReranker(FAR)))

    with committed.begin() as session:
        report = make_report(session, archive.id)
    assert found <= report.pairs <= found + A_FEW
    assert f"whose cosine lies under {floor}, and" in report.recall


def test_each_threshold_of_the_sample_has_its_own_floor(committed: Factory) -> None:
    bring_in(committed, questions(linked=LINKED))
    mine(make_worker(committed, reranker=WordReranker(FAR)))
    low = replace(FAR, fusion=replace(FAR.fusion, bias=-6.3), cosine_floor=0.71)  # they have 0.59

    found = adapt(committed, make_models(committed, reranker=WordReranker(low)), "cooks")

    by_threshold = {one.threshold: one for one in found.expected}
    assert by_threshold[0.4].found == LINKED
    assert by_threshold[0.5].found <= A_FEW  # its floor, 0.66, is lower too, but not enough


def test_too_few_links_prove_nothing(committed: Factory) -> None:
    found = adapt(committed, seeded(committed, linked=10), "cooks")

    assert found.threshold is None
    assert "10 pairs" in found.reason
    with committed.begin() as session, pytest.raises(CannotLearnError):
        adapting.apply(session, "cooks", found)


def test_a_threshold_that_a_person_chose_stays(committed: Factory) -> None:
    models = seeded(committed)
    unchosen = adapt(committed, models, "cooks")
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        thresholds.apply(session, forum, 0.7, chosen=0.7, observe_only=False, actor="Ana")

    found = adapt(committed, models, "cooks")

    assert found.threshold is None
    assert "chosen by Ana" in found.reason
    with committed.begin() as session, pytest.raises(CannotLearnError):
        adapting.apply(session, "cooks", unchosen)  # she was quicker
    with committed.begin() as session:
        forums.update_forum(session, "cooks", threshold=0.65)
        forum = forums.get_forum(session, "cooks")
        assert thresholds.chosen_by(session, forum) == "an operator"


def test_the_sample_is_the_same_each_time_and_has_visible_questions(committed: Factory) -> None:
    models = seeded(committed)
    with committed.begin() as session:
        forum = forums.get_forum(session, "cooks")
        first = sampling.sample(session, models.bi_encoder.id, forum.id, limit=10)
        more = sampling.sample(session, models.bi_encoder.id, forum.id, limit=20)
        cosines = sampling.cosines(session, models.bi_encoder.id, [first[0]] * 2, [first[0], 0])

    assert first == more[:10]
    assert len(set(more)) == 20
    assert cosines == [pytest.approx(1.0, abs=1e-3), None]
