"""A question that a model cannot read: it alone is set aside, and its neighbours are done."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from numpy.typing import NDArray
from sqlalchemy import text, update

from db.archives import archives
from db.archives.archives import ArchiveState
from db.questions import questions, saving
from db.questions.rows import QuestionRow, State
from db.tables.questions import Job
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Lane
from tests.integration.worker.archives.stages.test_steps import mine
from tests.integration.worker.live.test_pipeline import (
    Factory,
    NoQueue,
    drain,
    found,
    make_models,
    submit,
)
from tests.rows.archive_factories import CALIBRATION, bring_in, make_worker, records
from tests.rows.factories import new_question
from worker.inference.runner import InferenceError
from worker.inference.testing import WordEncoder, WordReranker
from worker.live.blame import BrokenModelError
from worker.live.check import Checker
from worker.live.drain import Drain
from worker.live.pipeline import Pipeline
from worker.live.unreadable import UnreadableError, failing_alone
from worker.matching.models import Limits
from worker.queue import CheckRequest

POISON = "How do I boil an egg in poison"
ERRORS = [InferenceError("not finite"), MemoryError("no room")]


class PoisonReranker(WordReranker):
    """Fails on every pair with the poison."""

    def __init__(self, error: Exception, *, everything: bool = False) -> None:
        super().__init__(CALIBRATION)
        self._error, self._everything = error, everything

    def score(self, texts: Sequence[str], pairs: NDArray[np.int32]) -> NDArray[np.float32]:
        if self._everything or any("poison" in texts[place] for place in pairs.flatten().tolist()):
            raise self._error
        return super().score(texts, pairs)


def get(sessions: Factory, forum: ForumRow, external_id: str) -> QuestionRow:
    with sessions.begin() as session:
        return questions.get(session, forum.id, external_id)


def drain_with(sessions: Factory, reranker: WordReranker) -> None:
    models = replace(make_models(sessions), reranker=reranker)
    worker = Drain(
        Lane.LIVE, sessions=sessions, queue=NoQueue(), slice_s=5.0, token_budget=4096,
        claim_limit=256, lease_s=60,
    )  # fmt: skip
    worker.run(Pipeline(sessions, models, Limits()).process)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_candidate_that_cannot_be_read_costs_its_own_pairs_alone(
    sessions: Factory, error: Exception
) -> None:
    forum = submit(sessions, POISON)
    drain(sessions)  # while another model could read it
    submit(sessions, "How do I boil an egg", "How do I boil an egg well", first=2)

    drain_with(sessions, PoisonReranker(error))

    assert found(sessions, forum, "2") == [("3", "model")]
    assert [get(sessions, forum, n).state for n in "23"] == [State.DONE, State.DONE]
    poison = get(sessions, forum, "1")
    assert poison.state is State.FAILED
    said = f"the CrossEncoder cannot read this question: {type(error).__name__}"
    assert (poison.error or "").startswith(said)


def test_a_new_question_that_cannot_be_read_is_set_aside_after_its_tries(sessions: Factory) -> None:
    forum = submit(
        sessions, "How do I boil an egg", POISON, "How do I boil an egg well", "Best train to Rome"
    )

    for _ in range(jobs.MAX_ATTEMPTS):
        with sessions.begin() as session:
            session.execute(update(Job).values(due_at=text("now()")).where(Job.failed_at.is_(None)))
        drain_with(sessions, PoisonReranker(InferenceError("not finite")))

    states = [get(sessions, forum, n).state for n in "1234"]
    assert states == [State.DONE, State.FAILED, State.DONE, State.DONE]
    assert "cannot read this question" in (get(sessions, forum, "2").error or "")
    assert found(sessions, forum, "1") == [("3", "model")]


def test_an_edit_makes_it_due_again(sessions: Factory) -> None:
    forum = submit(sessions, POISON)
    drain(sessions)
    submit(sessions, "How do I boil an egg", first=2)
    drain_with(sessions, PoisonReranker(ERRORS[0]))

    with sessions.begin() as session:
        edited = new_question("How do I boil an egg now", external_id="1")
        saving.save(session, forum, [edited], lane=Lane.LIVE)
    drain_with(sessions, PoisonReranker(ERRORS[0]))

    assert get(sessions, forum, "1").state is State.DONE
    assert found(sessions, forum, "1") == [("2", "model")]


def test_a_check_passes_over_what_cannot_be_read(sessions: Factory) -> None:
    forum = submit(sessions, POISON, "How do I boil an egg")
    drain(sessions)
    made = make_models(sessions)
    models = replace(made, reranker=PoisonReranker(ERRORS[0]))
    checker = Checker(sessions, models, Limits())

    answer = checker.answer(CheckRequest(forum_id=forum.id, title="How do I boil an egg well"))

    assert [one.id for one in answer.duplicates] == ["2"]
    with pytest.raises(UnreadableError):
        checker.answer(CheckRequest(forum_id=forum.id, title=POISON + " well"))


TITLES = ["How do I boil an egg", POISON, "How do I boil an egg well", "Best train to Rome"]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_in_an_archive_its_unit_is_done_without_it(committed: Factory, error: Exception) -> None:
    forum, archive = bring_in(committed, records(TITLES))

    mine(make_worker(committed, reranker=PoisonReranker(error)))

    assert_only_the_poison_failed(committed, forum, archive.id)
    said = get(committed, forum, "q2").error or ""
    assert said.startswith("the CrossEncoder cannot read this question: ")


def test_in_an_archive_what_has_no_vector_is_left_out(committed: Factory) -> None:
    forum, archive = bring_in(committed, records(TITLES))

    mine(make_worker(committed, WordEncoder(poison="poison")))

    assert_only_the_poison_failed(committed, forum, archive.id)
    said = get(committed, forum, "q2").error or ""
    assert said.startswith("the bi-encoder cannot read this question: PoisonError")


def assert_only_the_poison_failed(sessions: Factory, forum: ForumRow, archive_id: int) -> None:
    states = [get(sessions, forum, f"q{n}").state for n in (1, 2, 3, 4)]
    assert states == [State.DONE, State.FAILED, State.DONE, State.DONE]
    assert found(sessions, forum, "q1") == [("q3", "model")]
    with sessions.begin() as session:
        assert archives.get(session, archive_id).state is ArchiveState.DONE
        undone = "SELECT count(*) FROM archive_units WHERE done_at IS NULL"
        assert session.execute(text(undone)).scalar_one() == 0


def attempts(sessions: Factory) -> list[int]:
    with sessions.begin() as session:
        found = session.execute(text("SELECT attempts FROM archive_units WHERE done_at IS NULL"))
        return list(found.scalars())


@pytest.mark.parametrize(
    ("error", "raised", "counted"),
    [(SoftTimeLimitExceeded(), SoftTimeLimitExceeded, 0), (ERRORS[0], BrokenModelError, 1)],
    ids=["asked to stop", "a broken model"],
)
def test_what_is_no_units_fault_ends_the_work_on_it(
    committed: Factory, error: Exception, raised: type[Exception], counted: int
) -> None:
    bring_in(committed, records(TITLES))

    def prove() -> None:
        raise InferenceError("device-side assert")

    worker = make_worker(committed, reranker=PoisonReranker(error, everything=True), prove=prove)

    with pytest.raises(raised):
        mine(worker)

    assert attempts(committed) == [counted]


def work(*bad: int) -> Callable[[Sequence[int]], None]:
    def done(items: Sequence[int]) -> None:
        if set(bad) & set(items):
            raise ValueError(f"{sorted(set(bad) & set(items))}")

    return done


def test_each_that_fails_alone_is_named_with_its_reason() -> None:
    assert failing_alone(work(3, 6), range(10)) == [
        (3, "ValueError: [3]"),
        (6, "ValueError: [6]"),
    ]
    assert failing_alone(work(), range(10)) == []


def test_where_everything_fails_it_is_the_models_fault() -> None:
    with pytest.raises(ValueError, match="1"):
        failing_alone(work(0, 1), [0, 1])
