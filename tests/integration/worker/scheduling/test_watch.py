"""A worker that nobody wakes: no broker, no beat, and yet everything that is due is done."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from cli.running.service import WaitedTooLongError, wait_until
from db.faq import rising
from db.questions import questions
from db.questions.rows import State
from db.tables.pairs import Event
from db.tables.questions import Forum, Question
from db.tenants.rows import ForumRow
from db.work import workers
from db.work.rows import Lane
from tests.integration.worker.live.test_pipeline import make_models
from tests.rows.factories import make_forum, save_questions
from tests.rows.review import flag, seed_questions
from worker import upkeep
from worker.matching.models import Models
from worker.queue import CheckAnswer, CheckRequest
from worker.resources import Resources
from worker.scheduling import watch
from worker.scheduling.watch import Watch
from worker.settings import WorkerSettings

Factory = sessionmaker[Session]
NOWHERE = "redis://127.0.0.1:1/0"


class LostQueue:
    """Says that every message is on its way, and sends none."""

    def wake(self, lane: Lane) -> bool:
        return lane in Lane

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        raise NotImplementedError

    def finished(self) -> Iterator[list[int]]:
        return iter(())

    def ping(self) -> None: ...
    def measured(self) -> Mapping[tuple[str, ...], float]:
        return {}


class Held(Resources):
    """A process' resources with stand-ins for the models."""

    def __init__(self, sessions: Factory, settings: WorkerSettings) -> None:
        super().__init__(settings, sessions, LostQueue())
        self._made = make_models(sessions)

    def models(self) -> Models:
        return self._made


@pytest.fixture
def held(committed: Factory) -> Held:
    return Held(committed, WorkerSettings.model_validate({"redis_url": NOWHERE, "sweep_s": 1}))


@contextmanager
def watching(held: Held, *lanes: Lane, is_led: Callable[[], bool] = lambda: True) -> Iterator[None]:
    begun = Watch(held, lanes or (Lane.LIVE, Lane.ARCHIVE), is_led=is_led)
    begun.start()
    yield
    begun.stop()


def submit(sessions: Factory, *titles: str) -> ForumRow:
    with sessions.begin() as session:
        forum = make_forum(session, "unwoken")
        save_questions(session, forum, *titles)
    return forum


def state(sessions: Factory, forum: ForumRow, external_id: str) -> State:
    with sessions.begin() as session:
        return questions.get(session, forum.id, external_id).state


def becomes(what: Callable[[], bool], *, within_s: float) -> bool:
    with suppress(WaitedTooLongError):
        wait_until(what, timeout_s=within_s)
    return what()


def test_what_is_due_is_done_without_any_message(held: Held, committed: Factory) -> None:
    forum = submit(committed, *(f"How do I boil egg number {n}" for n in range(40)))

    with watching(held):
        done = becomes(lambda: state(committed, forum, "40") is State.DONE, within_s=20)

    assert done
    assert all(state(committed, forum, str(n)) is State.DONE for n in range(1, 41))


def test_a_lane_that_is_not_this_workers_is_left_to_others(held: Held, committed: Factory) -> None:
    forum = submit(committed, "How do I boil an egg")

    with watching(held, Lane.ARCHIVE):
        done = becomes(lambda: state(committed, forum, "1") is State.DONE, within_s=4)

    assert not done


def test_while_tasks_come_the_watch_leaves_the_work_to_them(held: Held, committed: Factory) -> None:
    forum = submit(committed, "How do I boil an egg")

    with watching(held):
        for _ in range(30):
            with held.turns.of_task():
                time.sleep(0.1)
        meanwhile = state(committed, forum, "1")
        after = becomes(lambda: state(committed, forum, "1") is State.DONE, within_s=60)

    assert meanwhile is State.PENDING
    assert after


def proofs(sessions: Factory) -> int:
    with sessions.begin() as session:
        return len(workers.proved_lately(session, within_s=60))


def test_a_worker_proves_itself_without_being_asked(
    held: Held, committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.resources.proof_of", lambda _: 0.9)
    with watching(held):
        assert becomes(lambda: proofs(committed) == 1, within_s=60)


def test_a_worker_without_its_leader_proves_nothing(
    held: Held, committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.resources.proof_of", lambda _: 0.9)
    with watching(held, is_led=lambda: False):
        assert not becomes(lambda: proofs(committed) > 0, within_s=3)


def test_what_goes_wrong_in_one_look_does_not_end_the_watch(
    held: Held, committed: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    real = upkeep.sweep

    def ill(*given: object) -> set[Lane]:
        looks.append(1)
        if len(looks) == 1:
            raise ConnectionError
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(upkeep, "sweep", ill)
    forum = submit(committed, "How do I boil an egg")

    with watching(held):
        assert becomes(lambda: state(committed, forum, "1") is State.DONE, within_s=20)


def test_upkeep_is_done_soon_after_the_start(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(watch, "_SOON_S", 1)
    monkeypatch.setattr(held, "keep_up", lambda: done.append(1))

    with watching(held):
        assert becomes(lambda: done == [1], within_s=60)


def risen(sessions: Factory) -> int:
    with sessions.begin() as session:
        found = session.execute(select(Event.id).where(Event.kind == rising.KIND))
        return len(found.all())


def test_a_question_that_many_ask_now_is_recorded_without_a_beat(
    held: Held, committed: Factory
) -> None:
    with committed.begin() as session:
        seeded = seed_questions(session, "How do I boil an egg", "How do I boil eggs")
        flag(session, seeded, 0, 1)
        session.execute(update(Question).values(asked_at=func.now()))
        session.execute(update(Forum).values(rising_count=2))

    with watching(held):
        assert becomes(lambda: risen(committed) == 1, within_s=60)
