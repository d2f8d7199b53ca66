"""The Celery app: lanes, time limits, and what happens when a process dies."""

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from kombu import Queue as KombuQueue

from db.work.rows import Lane
from worker.logs import configure_logs
from worker.queue import broker_url
from worker.resources import resources
from worker.settings import WorkerSettings

SWEEP = "worker.sweep"
PROVE = "worker.prove"
UPKEEP = "worker.upkeep"
DELIVER = "worker.deliver"
_DELIVER_S = 3
_UPKEEP_S = 3_600
_WARM_UP_S = 900.0
"""A child may take this long to be ready: a first start exports the models."""


def make_app(settings: WorkerSettings) -> Celery:
    """Return the Celery app of workers and beat. Redis has wake-ups only, Postgres the truth."""
    app = Celery("askedbefore", broker=broker_url(settings.redis_url.get_secret_value()))
    app.conf.update(
        include=["worker.tasks"],
        task_queues=[KombuQueue(lane) for lane in Lane],
        task_default_queue=Lane.LIVE,
        # Read in the order in which a worker names them: check, live, archive, upkeep.
        broker_transport_options={
            "queue_order_strategy": "priority",
            "visibility_timeout": settings.visibility_timeout_s,
        },
        visibility_timeout=settings.visibility_timeout_s,
        broker_connection_retry_on_startup=True,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_proc_alive_timeout=_WARM_UP_S,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        task_soft_time_limit=settings.soft_time_limit_s,
        task_time_limit=settings.time_limit_s,
        beat_scheduler="celery.beat:Scheduler",  # in memory: nothing here must survive a restart
        beat_schedule=_schedule(settings),
        timezone="UTC",
    )
    return app


def _schedule(settings: WorkerSettings) -> dict[str, dict[str, object]]:
    # Tasks of milliseconds go into the live lane: in the last lane they would wait until an archive
    # is mined.
    def entry(task: str, every_s: float, lane: Lane) -> dict[str, object]:
        options = {"queue": lane, "expires": every_s}
        return {"task": task, "schedule": every_s, "options": options}

    return {
        SWEEP: entry(SWEEP, settings.sweep_s, Lane.LIVE),
        PROVE: entry(PROVE, settings.proof_s, Lane.LIVE),
        DELIVER: entry(DELIVER, _DELIVER_S, Lane.LIVE),
        UPKEEP: entry(UPKEEP, _UPKEEP_S, Lane.UPKEEP),
    }


@setup_logging.connect
def _configure(**_: object) -> None:
    configure_logs()


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    # In the child, before its first task: load the models, export them if needed, and run them.
    resources().prove(force=True)
