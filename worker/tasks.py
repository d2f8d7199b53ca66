"""The Celery tasks: each fetches this process' resources and calls the code that does the work."""

from celery import shared_task

from db.work.rows import Lane
from worker.app import DELIVER, PROVE, SWEEP, UPKEEP
from worker.queue import CHECK, DRAIN, CheckRequest, send_answer, wake_key
from worker.resources import Resources, resources
from worker.scheduling import lanes, rounds

_MORE_URGENT = (Lane.CHECK, Lane.LIVE)


def _drain(lane: Lane) -> None:
    held = resources()
    # From now on new questions need a new message, because this task may miss them.
    held.broker.ask(lambda client: client.delete(wake_key(lane)), 0)
    with held.turns.of_task():
        lanes.work(held, lane, is_wanted=lambda: _is_wanted(held))
    held.prove()


def _is_wanted(held: Resources) -> bool:
    """Return whether a message of a more urgent lane waits for a worker."""
    return held.broker.ask(lambda client: any(map(client.llen, _MORE_URGENT)), default=False)


@shared_task(name=DRAIN[Lane.LIVE])
def drain_live() -> None:
    """Check new questions for about one slice."""
    _drain(Lane.LIVE)


@shared_task(name=DRAIN[Lane.ARCHIVE])
def drain_archive() -> None:
    """Check questions of the archive lane for about one slice, then mine archives for another."""
    _drain(Lane.ARCHIVE)


@shared_task(name=CHECK, acks_late=False)
def check(request: dict[str, object], reply: str) -> None:
    """Answer a check. A lost message is not sent again: the caller gets a timeout."""
    held = resources()
    try:
        with held.turns.of_task():
            answer = held.checker().answer(CheckRequest(**request))  # type: ignore[arg-type]
    except Exception as error:
        send_answer(held.broker.redis, reply, f"the check failed: {type(error).__name__}")
        raise
    send_answer(held.broker.redis, reply, answer)


@shared_task(name=SWEEP)
def sweep() -> None:
    """Wake lanes with due work, record questions that many ask now, and start due syncs."""
    rounds.sweep(resources())


@shared_task(name=PROVE)
def prove() -> None:
    """Run both models to prove that this worker works."""
    resources().prove()


@shared_task(name=DELIVER)
def deliver() -> None:
    """Decide, write actions, and start deliveries and connectors in threads of their own."""
    rounds.deliver(resources())


@shared_task(name=UPKEEP)
def hourly() -> None:
    """Do the hourly upkeep, and compute again from which score the service may decide."""
    rounds.hourly(resources())
