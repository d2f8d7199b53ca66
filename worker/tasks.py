"""The Celery tasks: each fetches this process' resources and calls the code that does the work."""

import os

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import InterfaceError, OperationalError

from db.errors import ServiceError
from db.work.rows import Lane
from worker import upkeep
from worker.app import DELIVER, PROVE, SWEEP, UPKEEP
from worker.live.blame import BrokenModelError
from worker.queue import CHECK, DRAIN, CheckRequest, send_answer, wake_key
from worker.resources import Resources, proof_of, resources

_DATABASE_AWAY = (OperationalError, InterfaceError)
_BROKEN = 70
"""Status of a process that ends because its models can no longer infer."""


def _drain(lane: Lane) -> None:
    held = resources()
    # From here on new questions need a new message: this task may have passed them already.
    held.redis.delete(wake_key(lane))
    try:
        held.drains[lane].run(held.pipeline().process, prove=lambda: proof_of(held.models()))
    except BrokenModelError:
        os._exit(_BROKEN)  # the pool puts a fresh process in this one's place
    held.prove()


@shared_task(name=DRAIN[Lane.LIVE])
def drain_live() -> None:
    """Check new questions for about one slice."""
    _drain(Lane.LIVE)


@shared_task(name=DRAIN[Lane.ARCHIVE])
def drain_archive() -> None:
    """Check questions of the archive lane for about one slice, then mine archives for another."""
    _drain(Lane.ARCHIVE)
    held = resources()
    held.archives().run(
        held.settings.slice_s,
        on_work=lambda: held.queue.wake(Lane.ARCHIVE),
        is_wanted=lambda: any(held.redis.llen(lane) for lane in (Lane.CHECK, Lane.LIVE)),
    )


@shared_task(name=CHECK, acks_late=False)
def check(request: dict[str, object], reply: str) -> None:
    """Answer a check. A lost message is not sent again: the caller gets a time-out."""
    held = resources()
    try:
        send_answer(held.redis, reply, held.checker().answer(CheckRequest(**request)))  # type: ignore[arg-type]
    except (ServiceError, SoftTimeLimitExceeded, *_DATABASE_AWAY) as error:
        send_answer(held.redis, reply, f"the check failed: {type(error).__name__}")
        raise


@shared_task(name=SWEEP)
def sweep() -> None:
    """Wake lanes whose messages were lost or whose leases have ended."""
    held = resources()
    upkeep.sweep(held.sessions, held.queue)


@shared_task(name=PROVE)
def prove() -> None:
    """Run both models, to prove that this worker can work."""
    resources().prove()


@shared_task(name=DELIVER)
def deliver() -> None:
    """Start the due deliveries to webhooks, in a thread beside the next questions."""
    resources().courier.start()


@shared_task(name=UPKEEP)
def hourly() -> None:
    """Measure the recall of the vector index and delete old counters."""
    held: Resources = resources()
    upkeep.hourly(held.sessions, held.models().bi_encoder)
