"""The Celery app: lanes, time limits, periodic tasks, and the start and end of a process."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from celery import Celery, current_app
from celery.schedules import crontab
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown
from kombu import Queue as KombuQueue
from sqlalchemy.exc import SQLAlchemyError

from db.work.rows import Lane
from worker.process import tracing
from worker.process.logs import configure_logs
from worker.process.orphans import die_with
from worker.process.pace import set_pace
from worker.process.pulse import Pulse, is_fresh
from worker.queue import broker_tls, broker_url
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from worker.scheduling.watch import Watch

SWEEP = "worker.sweep"
PROVE = "worker.prove"
UPKEEP = "worker.upkeep"
DELIVER = "worker.deliver"
_DELIVER_S = 3
_UPKEEP = crontab(minute="17")
"""At a time of the clock, so a beat that is restarted every few minutes sends it too."""
_UPKEEP_EXPIRES_S = 3_000
_CONNECT_TIMEOUT_S = 5.0
_WARM_UP_S = 900.0
"""A child may take so many seconds to be ready: the first start exports the models."""


_watches: "list[Watch]" = []
"""The watch of this process, if it is a child of the pool."""


def make_app(settings: WorkerSettings, *, with_tasks: bool = True) -> Celery:
    """Return the Celery app of workers and beat. Redis has wake-ups only, Postgres the truth.

    A beat sends tasks by their names, so its app is made without the tasks and the models'
    libraries.
    """
    url = settings.redis_url.get_secret_value()
    app = Celery("askedbefore", broker=broker_url(url))
    app.steps["worker"].add(Pulse)
    app.conf.update(
        broker_use_ssl=broker_tls(url),
        include=["worker.tasks"] if with_tasks else [],
        task_queues=[KombuQueue(lane) for lane in Lane],
        task_default_queue=Lane.LIVE,
        # Read in the order in which the worker lists them: check, live, archive, upkeep.
        broker_transport_options={
            "queue_order_strategy": "priority",
            "visibility_timeout": settings.visibility_timeout_s,
            "socket_connect_timeout": _CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
        },
        visibility_timeout=settings.visibility_timeout_s,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # for ever: the watch works meanwhile
        broker_channel_error_retry=True,  # also for a Redis that is read-only after a failover
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_proc_alive_timeout=_WARM_UP_S,
        # If the loss of Redis killed a task, its questions would stay claimed until the lease ends.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_soft_time_limit=settings.soft_time_limit_s,
        task_time_limit=settings.time_limit_s,
        beat_scheduler="celery.beat:Scheduler",  # in memory: nothing must survive a restart
        beat_schedule=_schedule(settings),
        timezone="UTC",
    )
    return app


def _schedule(settings: WorkerSettings) -> dict[str, dict[str, object]]:
    # Tasks of milliseconds go into the live lane: in the upkeep lane they would wait until an
    # archive is mined.
    def entry(
        task: str, every: float | crontab, lane: Lane, *, expires_s: float | None = None
    ) -> dict[str, object]:
        options = {"queue": lane, "expires": every if expires_s is None else expires_s}
        return {"task": task, "schedule": every, "options": options}

    return {
        SWEEP: entry(SWEEP, settings.sweep_s, Lane.LIVE),
        PROVE: entry(PROVE, settings.proof_s, Lane.LIVE),
        DELIVER: entry(DELIVER, _DELIVER_S, Lane.LIVE),
        UPKEEP: entry(UPKEEP, _UPKEEP, Lane.UPKEEP, expires_s=_UPKEEP_EXPIRES_S),
    }


@setup_logging.connect
def _configure(**_: object) -> None:
    configure_logs()


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    # In the child, before its first task: load the models, export them if needed, and run them.
    # Imported here, because a beat has no models' libraries.
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    from worker.resources import resources  # noqa: PLC0415
    from worker.scheduling.watch import Watch  # noqa: PLC0415

    die_with(os.getppid())
    # The matrix products of a search are small: threads that share one would mostly wait for each
    # other.
    threadpool_limits(limits=1, user_api="blas")
    held = resources()
    _watches.append(Watch(held, _own_lanes(), is_led=is_fresh))
    try:
        held.prove(force=True)
        held.warm()
        set_pace()
    finally:
        _watches[0].start()


@worker_process_shutdown.connect
def _wind_up(**_: object) -> None:
    from worker.resources import resources  # noqa: PLC0415  # as above

    for watch in _watches:
        watch.stop()
    with suppress(SQLAlchemyError):  # if the database is away, the proof ends by its age
        resources().forget_proof()
    tracing.end()


def _own_lanes() -> list[Lane]:
    """Return the lanes this worker drains, the most urgent first."""
    consumed = current_app.amqp.queues.consume_from
    return [lane for lane in (Lane.LIVE, Lane.ARCHIVE) if lane in consumed]
