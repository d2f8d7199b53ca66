"""``python -m worker.archives.loading.load_process``: reads one uploaded archive and stores it.

An uploaded file may be made to be slow, to grow, or to break its reader. So the API never reads one
itself: this process does, with a hard limit of memory and at a low priority, and it dies with the
API. The job is one line on standard input. Reports go to standard output: one at the beginning, one
every few seconds, and one at the end.

The limit is ``RLIMIT_DATA``. It counts the memory of the process itself: the heap, writable
mappings, and the stacks of its threads. The kernel refuses more at once, so a file cannot use more
memory between two checks. ``RLIMIT_AS`` would also count the code of all libraries, and memory that
Arrow and the C library only reserve.
"""

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from worker.archives.load_job import UNKNOWN, LoadJob, LoadReport, Outcome

if TYPE_CHECKING:
    from db.engine import Sessions

_PR_SET_PDEATHSIG = 1
_NICE_AT_START, _NICE = 5, 10
"""Niceness: lower at the start, so that on a busy machine the imports are done in time."""
_STACK = 1 << 20
_FEW_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def main() -> None:
    """Do the job on standard input."""
    job = LoadJob.decoded(sys.stdin.buffer.readline())
    _limit(job)
    say = _mouth()
    say(_report(job, say))


def _mouth() -> Callable[[LoadReport], None]:
    """Return a function that sends reports; prints of libraries go to standard error instead."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(report: LoadReport) -> None:
        out.write(report.encoded())

    return say


def _limit(job: LoadJob) -> None:
    """Set the limits: this process ends with its parent, and leaves it time and memory."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != job.parent:
        sys.exit("whoever asked for this is gone")
    signal.signal(signal.SIGTERM, _stop)
    os.nice(_NICE_AT_START)
    # Libraries read these when they are loaded, later.
    os.putenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    for name in _FEW_THREADS:
        os.putenv(name, "1")
    threading.stack_size(_STACK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (job.disk_bytes, job.disk_bytes))
    resource.setrlimit(resource.RLIMIT_DATA, (job.memory_bytes, job.memory_bytes))


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _report(job: LoadJob, say: Callable[[LoadReport], None]) -> LoadReport:
    # Imported here, so that the memory and threads of libraries are within the limits.
    from db.engine import make_engine, make_sessions  # noqa: PLC0415
    from db.settings import DatabaseSettings  # noqa: PLC0415
    from worker.archives.loading.ends import outcome_of, reason_of  # noqa: PLC0415

    settings = DatabaseSettings.model_validate({"database_url": job.database_url, "pool_size": 2})
    engine = make_engine(settings)
    try:
        archive_id = _load(job, make_sessions(engine), say)
        return LoadReport(outcome=Outcome.STORED, archive_id=archive_id)
    except Exception as error:  # noqa: BLE001  # the waiting process needs every error
        return LoadReport(outcome=outcome_of(error), reason=reason_of(error))
    finally:
        engine.dispose()


def _load(job: LoadJob, sessions: "Sessions", say: Callable[[LoadReport], None]) -> int:
    from db.archives import archives  # noqa: PLC0415  # as above
    from db.tenants import forums  # noqa: PLC0415
    from worker.archives.loading.attending import attended  # noqa: PLC0415
    from worker.archives.loading.load import failing, load  # noqa: PLC0415
    from worker.archives.loading.missing import Rules  # noqa: PLC0415
    from worker.archives.loading.options import means_of  # noqa: PLC0415
    from worker.archives.readers import open_stream  # noqa: PLC0415

    with sessions.begin() as session:
        forum = forums.get_forum(session, job.forum)
        form = job.form or UNKNOWN
        row = archives.create(session, forum.id, name=job.name, form=form, top_k=job.top_k)
    begun = LoadReport(outcome=Outcome.BEGUN, archive_id=row.id)
    say(begun)
    os.nice(_NICE - _NICE_AT_START)
    file = os.fdopen(job.fd, "rb")
    with (
        failing(sessions, row.id),
        attended(sessions, row.id, on_sign=partial(say, begun)),
        open_stream(
            file, means_of(form=job.form, chosen=job.chosen, **job.reading), name=job.name
        ) as archive,
    ):
        with sessions.begin() as session:
            archives.change(session, row.id, form=archive.form)
        rules = Rules(delete_missing=job.delete_missing, with_erased=job.with_erased)
        load(sessions, forum, row, archive.pieces(), rules=rules, memory=archive.memory)
    return row.id


if __name__ == "__main__":
    main()
