"""A process that runs Celery tasks with fake models, and kills itself on request.

Each input line is a task and the number of the SQL statement before which the process kills itself;
with 0 it does not. The answer is the exit status.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable

from sqlalchemy import Engine, event

from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from db.tenants import forums
from tests.rows.archive_factories import make_models
from worker import tasks
from worker.queue import CeleryQueue
from worker.resources import Resources
from worker.settings import WorkerSettings

_held: list[Resources] = []


def _check() -> None:
    with _held[0].sessions.begin() as session:
        forum = forums.list_forums(session)[0]
    tasks.check({"forum_id": forum.id, "title": "How do I boil an egg?"}, "reply")


def _deliver() -> None:
    tasks.deliver()
    for thread in threading.enumerate():
        if thread.name == "webhooks":
            thread.join()


RUN: dict[str, Callable[[], None]] = {
    "drain_live": tasks.drain_live,
    "drain_archive": tasks.drain_archive,
    "check": _check,
    "sweep": tasks.sweep,
    "prove": tasks.prove,
    "deliver": _deliver,
    "hourly": tasks.hourly,
}
"""Every task by the name of its function."""


def _die_before(engine: Engine, statement: int) -> None:
    left = statement

    @event.listens_for(engine, "before_cursor_execute")
    def die(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _run(task: str, statement: int, *, database_url: str, redis_url: str) -> None:
    settings = WorkerSettings.model_validate({"redis_url": redis_url, "device": "cpu"})
    engine = make_engine(DatabaseSettings.model_validate({"database_url": database_url}))
    held = Resources(settings, make_sessions(engine), CeleryQueue(redis_url))
    held._models = make_models(held.sessions)  # noqa: SLF001  # fakes; the real ones take seconds
    _held.append(held)
    tasks.__dict__["resources"] = lambda: held
    _die_before(engine, statement)
    RUN[task]()


def main(database_url: str, redis_url: str) -> None:
    for line in sys.stdin:
        task, statement = line.split()
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # its log must not mix with the answers
            try:
                _run(task, int(statement), database_url=database_url, redis_url=redis_url)
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  # the test reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
