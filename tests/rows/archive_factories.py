"""Archives for tests, and a process that mines them and can be killed."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from db.archives import archives
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow
from db.engine import make_engine
from db.settings import DatabaseSettings
from db.tenants import forums
from db.tenants.rows import ForumRow
from worker.archives.loading.load import load
from worker.archives.readers.records import Record, SourceQuestion
from worker.archives.searching.blocks import BlockSearch
from worker.archives.stages import plan as archive_plan
from worker.archives.stages import steps as archive_steps
from worker.archives.stages.slices import ArchiveWorker
from worker.inference.testing import WordEncoder, WordReranker
from worker.matching.models import Models
from worker.resources import register
from worker.scoring.calibration import Calibration

Factory = sessionmaker[Session]
BLOCK = 40
_SUBJECTS = ("password", "invoice", "garden", "bicycle", "recipe", "passport", "router", "visa")
_FORMS = (
    "How do I change my {} here?",
    "How do I change my {} here",
    "How can I change my own {} here?",
    "Where is the oldest {} in town number {}?",
    "What does a {} cost in winter {}?",
)


def titles(count: int) -> list[str]:
    """Return questions, some of which ask the same."""
    made = []
    for number in range(count):
        form, subject = _FORMS[number % 5], _SUBJECTS[number // 5 % 8]
        made.append(form.format(f"{subject} {number // 40}", number))
    return made


def records(wanted: Iterable[str], *, first: int = 1) -> list[Record]:
    return [
        SourceQuestion(f"q{line}", title, line=line)
        for line, title in enumerate(wanted, start=first)
    ]


CALIBRATION = Calibration(cosine_floor=0.3, asymmetry=0.4, threshold=0.6)


def make_models(
    sessions: Factory, encoder: WordEncoder | None = None, reranker: WordReranker | None = None
) -> Models:
    return register(sessions, encoder or WordEncoder(), reranker or WordReranker(CALIBRATION))


def make_worker(
    sessions: Factory,
    encoder: WordEncoder | None = None,
    reranker: WordReranker | None = None,
    *,
    lease_s: float = 60.0,
    prove: Callable[[], object] = lambda: None,
) -> ArchiveWorker:
    return ArchiveWorker(
        sessions,
        make_models(sessions, encoder, reranker),
        search=BlockSearch("cpu"),
        lease_s=lease_s,
        block=BLOCK,
        prove=prove,
    )


def bring_in(
    sessions: Factory, wanted: Iterable[Record], *, forum: str = "cooks", name: str = "old.csv"
) -> tuple[ForumRow, ArchiveRow]:
    with sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        archive = archives.create(session, row.id, name=name, form="csv", top_k=100)
    return row, load(sessions, row, archive, wanted)


def _mine(database_url: str, statements: int) -> None:
    engine = make_engine(DatabaseSettings.model_validate({"database_url": database_url}))
    worker = make_worker(sessionmaker(engine, expire_on_commit=False))
    left, thread = statements, threading.get_ident()

    @event.listens_for(engine, "before_cursor_execute")
    def die(*_: object) -> None:
        nonlocal left
        if threading.get_ident() == thread:  # but not the statement that builds the vector index
            left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    while True:
        with worker.sessions.begin() as session:
            if not archive_units.active(session):
                return
        if not worker.run(1.0):
            time.sleep(0.05)


def _kill_again_and_again(database_url: str) -> None:
    """For each number that is read, mine in a process that kills itself before that statement."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # its log must not mix with the answers
            try:
                _mine(database_url, int(line))
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201  # who counts reads it


if __name__ == "__main__":
    archive_plan.EMBED_STEP = 30
    archive_steps.RERANK_PAIRS = 64
    _kill_again_and_again(sys.argv[1])
