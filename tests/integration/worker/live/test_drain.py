"""What a failing batch costs whom: the question that fails alone, and nobody else."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Barrier, Event, Lock, current_thread, main_thread
from uuid import UUID

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from db.errors import TransientError
from db.questions import questions
from db.questions.rows import QuestionRow, State
from db.tenants.rows import ForumRow
from db.work import jobs
from db.work.rows import Claimed, Lane
from tests.rows.factories import finish, make_forum, save_questions
from worker.inference.runner import InferenceError
from worker.live.blame import BrokenModelError
from worker.live.drain import Drain

Factory = sessionmaker[Session]
POISON = "poison"


class NoQueue:
    def wake(self, lane: Lane) -> bool:
        return lane is Lane.LIVE


def make_drain(sessions: Factory, *, at_once: int = 1) -> Drain:
    return Drain(
        Lane.LIVE,
        sessions=sessions,
        queue=NoQueue(),  # type: ignore[arg-type]
        slice_s=5.0,
        token_budget=4096,
        claim_limit=256,
        lease_s=60,
        at_once=at_once,
    )


def submit(sessions: Factory, *titles: str) -> ForumRow:
    with sessions.begin() as session:
        forum = make_forum(session, "cooks")
        save_questions(session, forum, *titles)
    return forum


def finishing(sessions: Factory, fails: Callable[[Claimed], None]) -> Callable[..., None]:
    """Return a process that finishes its batch unless *fails* raises for one of it."""

    def process(batch: Sequence[Claimed], lease: UUID) -> None:
        for one in batch:
            fails(one)
        with sessions.begin() as session:
            finish(session, lease, [one.id for one in batch])

    return process


def rows(sessions: Factory, forum: ForumRow, count: int) -> list[QuestionRow]:
    with sessions.begin() as session:
        return [questions.get(session, forum.id, str(n)) for n in range(1, count + 1)]


def make_due(sessions: Factory) -> None:
    with sessions.begin() as session:
        session.execute(text("UPDATE jobs SET due_at = now() WHERE failed_at IS NULL"))


def query_cancelled(sessions: Factory) -> None:
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = '5ms'"))
        session.execute(text("SELECT pg_sleep(1)"))


@pytest.mark.parametrize("kind", ["inference", "memory", "statement", "bug"])
def test_what_fails_alone_is_set_aside_after_its_tries_and_its_neighbours_are_done(
    sessions: Factory, kind: str
) -> None:
    forum = submit(
        sessions, *(f"How do I boil egg {n}" for n in range(6)), POISON, "And a last one"
    )
    drain = make_drain(sessions)

    def fails(one: Claimed) -> None:
        if one.title != POISON:
            return
        if kind == "statement":
            query_cancelled(sessions)
        errors = {"inference": InferenceError("not finite"), "memory": MemoryError("no room")}
        raise errors.get(kind, ValueError("half a \0 surrogate \ud800"))

    for _ in range(jobs.MAX_ATTEMPTS):
        make_due(sessions)
        drain.run(finishing(sessions, fails))

    found = rows(sessions, forum, 8)
    assert [one.state for one in found].count(State.FAILED) == 1
    assert found[6].state is State.FAILED
    assert found[6].attempts == jobs.MAX_ATTEMPTS
    assert found[6].error
    with sessions.begin() as session:
        assert jobs.counts(session) == [("live", "failed", 1)]


def read_only(sessions: Factory) -> None:
    with sessions.begin() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        session.execute(text("UPDATE jobs SET attempts = 0"))


def raise_it(error: Exception) -> Callable[[Factory], None]:
    def fails(_: Factory) -> None:
        raise InferenceError("failed meanwhile") from error

    return fails


@pytest.mark.parametrize(
    "fails",
    [
        pytest.param(read_only, id="a read-only database"),
        pytest.param(raise_it(SoftTimeLimitExceeded()), id="the soft limit behind another error"),
    ],
)
def test_the_moments_fault_is_nobodys_attempt(
    committed: Factory, fails: Callable[[Factory], None]
) -> None:
    forum = submit(committed, "How do I boil an egg", "Best train to Rome")
    tried: list[int] = []

    def process(batch: Sequence[Claimed], _: UUID) -> None:
        tried.append(len(batch))
        fails(committed)

    with pytest.raises(Exception):  # noqa: B017, PT011  # whichever it was, it reaches the task
        make_drain(committed).run(process)

    assert tried == [2]
    assert [one.attempts for one in rows(committed, forum, 2)] == [0, 0]
    with committed.begin() as session:
        assert jobs.lanes_due(session) == [Lane.LIVE]


def test_after_the_moments_fault_less_is_claimed(sessions: Factory) -> None:
    submit(sessions, *(f"How do I boil egg number {n} in a pot of water" for n in range(200)))
    drain = make_drain(sessions)
    tried: list[int] = []

    def process(batch: Sequence[Claimed], _: UUID) -> None:
        tried.append(len(batch))
        raise TransientError

    for _ in range(8):
        with pytest.raises(TransientError):
            drain.run(process)

    assert tried[0] > 20
    assert tried[-1] == 1


def test_models_that_can_no_longer_infer_cost_one_attempt_and_end_the_process(
    sessions: Factory,
) -> None:
    forum = submit(sessions, *(f"How do I boil egg {n}" for n in range(4)))

    def broken(*_: object) -> None:
        raise InferenceError("device-side assert")

    with pytest.raises(BrokenModelError):
        make_drain(sessions).run(broken, prove=broken)

    assert [one.attempts for one in rows(sessions, forum, 4)] == [1, 0, 0, 0]


class Hands:
    """A process that notes which batches were in hand together, and finishes them."""

    def __init__(self, sessions: Factory) -> None:
        self.finish = finishing(sessions, lambda _: None)
        self.met = Barrier(2, timeout=60)
        self.together: list[list[int]] = []
        self.seen: list[int] = []
        self._held: list[int] = []
        self._lock = Lock()

    def __call__(self, batch: Sequence[Claimed], lease: UUID) -> None:
        with self._lock:
            self._held.append(len(batch))
            self.together.append(list(self._held))
            self.seen += [one.id for one in batch]
            is_early = len(self.together) <= self.met.parties
        if is_early:
            self.met.wait()
        self.finish(batch, lease)
        with self._lock:
            self._held.remove(len(batch))


def test_two_batches_are_in_hand_and_one_question_is_alone(committed: Factory) -> None:
    long = "How do I boil an egg in a pot of water without breaking it " * 6
    forum = submit(committed, *(f"{long}{n}" for n in range(24)))
    drain = make_drain(committed, at_once=2)
    hands = Hands(committed)

    while drain.run(hands):
        with committed.begin() as session:  # an attempt before: claimed alone from now on
            session.execute(text("UPDATE jobs SET attempts = 1 WHERE question_id % 3 = 0"))

    assert len(hands.together[1]) == 2
    assert all(len(held) == 1 for held in hands.together if 1 in held)
    assert len(hands.seen) == len(set(hands.seen)) == 24
    assert {one.state for one in rows(committed, forum, 24)} == {State.DONE}


def test_what_the_second_batch_meets_reaches_the_task(committed: Factory) -> None:
    forum = submit(committed, *(f"How do I boil egg number {n} in a pot" for n in range(120)))
    finish, failed = finishing(committed, lambda _: None), Event()

    def fails_beside(batch: Sequence[Claimed], lease: UUID) -> None:
        if current_thread() is not main_thread():
            failed.set()
            raise TransientError
        assert failed.wait(10)
        finish(batch, lease)

    with pytest.raises(TransientError):
        make_drain(committed, at_once=2).run(fails_beside)

    assert {one.attempts for one in rows(committed, forum, 120)} == {0}


class KilledError(BaseException):
    """Stands for a kill: nothing after it runs."""


_release = Drain._release  # noqa: SLF001  # a killed process gives nothing back


def release_unless_killed(drain: Drain, batch: Sequence[Claimed], lease: UUID) -> None:
    if not isinstance(sys.exc_info()[1], KilledError):
        _release(drain, batch, lease)


def test_what_kills_its_worker_is_set_aside_without_its_neighbours(
    sessions: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    forum = submit(sessions, POISON, *(f"How do I boil egg {n}" for n in range(5)))
    monkeypatch.setattr(Drain, "_release", release_unless_killed)

    def kills(one: Claimed) -> None:
        if one.title == POISON:
            raise KilledError

    for _ in range(20):
        make_due(sessions)
        with sessions.begin() as session:
            jobs.set_aside_crashed(session)
        with suppress(KilledError):
            make_drain(sessions).run(finishing(sessions, kills))

    states = [one.state for one in rows(sessions, forum, 6)]
    with sessions.begin() as session:
        assert jobs.counts(session) == [("live", "failed", 1)]
    assert states[0] is State.FAILED
