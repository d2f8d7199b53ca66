"""Every task may run twice, and may be killed at any statement: the rows end up the same.

Archives are killed in `worker/archives/test_slices.py`.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from inspect import signature

import pytest
from celery import current_app
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session, aliased, sessionmaker

from cli.running.embedded import Addresses
from db.outbox import webhooks
from db.tables.pairs import Event, Pair
from db.tables.questions import Job, Question
from db.tables.review import Delivery
from db.work.rows import Lane
from tests.conftest import empty
from tests.rows.factories import make_forum, save_questions
from tests.servers.task_process import RUN
from worker import tasks

Factory = sessionmaker[Session]
Runner = Callable[[str, int], int]
KILLED = -9
SUBJECTS = (
    "boil soft eggs",
    "repair bicycle chains",
    "renew old passports",
    "prune apple trees",
    "reset router passwords",
    "learn french verbs",
)
FORMS = ("{}", "{}?", "quickly {}", "slowly {} today")
TITLES = [form.format(subject) for form in FORMS for subject in SUBJECTS]
"""Few near ones each: which pairs are kept must not depend on who comes first."""
STATEMENTS = (1, 3, 7)
"""Before which statement of a task its process dies."""
OTHERS = sorted(set(RUN) - {"drain_live", "drain_archive"})


@pytest.fixture(scope="module")
def run(servers: Addresses) -> Iterator[Runner]:
    """Run a task in a process of its own and return its exit status."""
    command = [
        sys.executable,
        "-m",
        "tests.servers.task_process",
        servers.database_url,
        servers.redis_url,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as nursery:

        def run(task: str, statement: int) -> int:
            print(task, statement, file=nursery.stdin, flush=True)
            return int(nursery.stdout.readline())  # type: ignore[union-attr]

        yield run
        nursery.stdin.close()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def undisturbed(engine: Engine, run: Runner) -> object:
    """Return what is stored when nothing is killed."""
    sessions = sessionmaker(engine, expire_on_commit=False)
    fill(sessions)
    finish(run, sessions)
    found = stored(sessions)
    empty(engine)
    return found


def stored(sessions: Factory) -> object:
    """Return what the tasks have made of the questions, without ids and times."""
    low, high = aliased(Question), aliased(Question)
    with sessions.begin() as session:
        pairs = session.execute(
            select(low.external_id, high.external_id, Pair.kind)
            .join(low, low.id == Pair.low_id)
            .join(high, high.id == Pair.high_id)
            .order_by(low.external_id, high.external_id)
        ).all()
        flagged = select(func.count()).select_from(Event).where(Event.kind == "pair.flagged")
        told = session.scalar(flagged)
        jobs = session.scalar(select(func.count()).select_from(Job))
        sent = session.scalar(select(func.count()).select_from(Delivery))
    return [tuple(one) for one in pairs], told, jobs, sent


def let_leases_end(sessions: Factory) -> None:
    with sessions.begin() as session:
        session.execute(update(Job).values(due_at=func.now(), attempts=0))


def fill(sessions: Factory) -> None:
    """Owe live questions, questions of the archive lane and deliveries."""
    with sessions.begin() as session:
        forum = make_forum(session, "cooks")
        webhooks.create(session, forum.id, url="http://127.0.0.1:9/", kinds=["pair.flagged"])
        save_questions(session, forum, *TITLES[:12])
        save_questions(session, forum, *TITLES[12:], lane=Lane.ARCHIVE, first=13)


def finish(run: Runner, sessions: Factory) -> None:
    before, now = None, stored(sessions)
    while now != before:
        for task in ("drain_live", "drain_archive"):
            let_leases_end(sessions)
            assert run(task, 0) == 0
        before, now = now, stored(sessions)


def test_every_task_is_among_those_that_are_run_here() -> None:
    tasks.drain_live  # noqa: B018  # importing registers them
    names = {
        task.run.__name__ for name, task in current_app.tasks.items() if name.startswith("worker.")
    }
    assert names == set(RUN)
    assert all(not signature(run).parameters for run in RUN.values())


def test_tasks_that_run_twice_leave_what_one_run_leaves(
    committed: Factory, run: Runner, undisturbed: object
) -> None:
    fill(committed)
    finish(run, committed)

    for task in RUN:
        let_leases_end(committed)
        assert (task, run(task, 0), run(task, 0)) == (task, 0, 0)

    assert stored(committed) == undisturbed


@pytest.mark.parametrize("killed", [["drain_live"], ["drain_archive"], OTHERS], ids="-".join)
def test_tasks_that_are_killed_lose_nothing_and_do_nothing_twice(
    committed: Factory, run: Runner, undisturbed: object, killed: Sequence[str]
) -> None:
    fill(committed)
    ends = {task: killed_again_and_again(committed, run, task) for task in killed}
    finish(run, committed)

    assert all(KILLED in statuses for statuses in ends.values()), ends
    assert stored(committed) == undisturbed


def killed_again_and_again(sessions: Factory, run: Runner, task: str) -> list[int]:
    ends = []
    for statement in STATEMENTS:
        let_leases_end(sessions)
        ends.append(run(task, statement))
    return ends
