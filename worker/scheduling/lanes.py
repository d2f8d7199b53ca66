"""One slice of work on a lane, done by a task, or by the watch if there is no message."""

import os
from collections.abc import Callable, Mapping

from db.work import jobs
from db.work.rows import Lane
from worker.live.blame import BrokenModelError
from worker.process.tracing import traced
from worker.resources import Resources, proof_of

BROKEN = 70
"""Exit status of a process that ends because its models cannot run any more."""


def work(held: Resources, lane: Lane, *, is_wanted: Callable[[], bool]) -> bool:
    """Work on *lane* for about one slice, and return whether there was anything to do.

    The mining of an archive stops as soon as *is_wanted* returns True. A process whose models
    cannot run any more ends here, and the pool starts another one.
    """
    try:
        plain = held.pipeline().process
        is_traced = held.settings.traces
        process = traced(plain, lambda ids: _traces(held, ids)) if is_traced else plain
        done = held.drains[lane].run(process, prove=lambda: proof_of(held.models()))
        return (lane is Lane.ARCHIVE and _mine(held, is_wanted)) or done > 0
    except BrokenModelError:
        os._exit(BROKEN)


def _traces(held: Resources, ids: list[int]) -> Mapping[int, str]:
    with held.sessions.begin() as session:
        return jobs.traces(session, ids)


def _mine(held: Resources, is_wanted: Callable[[], bool]) -> bool:
    return held.archives().run(
        held.settings.slice_s,
        on_work=lambda: held.queue.wake(Lane.ARCHIVE),
        is_wanted=is_wanted,
    )
