import pytest
from celery import Celery

from db.work.rows import Lane
from worker import tasks
from worker.app import PROVE, SWEEP, UPKEEP, make_app
from worker.queue import CHECK, DRAIN, broker_url
from worker.settings import WorkerSettings


@pytest.fixture(scope="module")
def app() -> Celery:
    made = make_app(WorkerSettings.model_validate({"redis_url": "redis://localhost/0"}))
    made.finalize()
    return made


def test_every_name_that_is_sent_is_a_task(app: Celery) -> None:
    sent = {CHECK, SWEEP, PROVE, UPKEEP, *DRAIN.values()}

    assert tasks.check.name == CHECK
    assert sent <= set(app.tasks)
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_lanes_are_consumed_in_their_order_and_a_dead_worker_loses_nothing(app: Celery) -> None:
    options = app.conf.broker_transport_options

    assert [queue.name for queue in app.conf.task_queues] == list(Lane)
    assert options["queue_order_strategy"] == "priority"
    assert options["visibility_timeout"] > app.conf.task_time_limit
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1


def test_a_sweep_is_not_held_up_by_an_archive(app: Celery) -> None:
    lanes = {name: entry["options"]["queue"] for name, entry in app.conf.beat_schedule.items()}

    assert lanes[SWEEP] == lanes[PROVE] == Lane.LIVE


def test_a_socket_is_spelt_as_kombu_spells_it() -> None:
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"
    assert broker_url("unix:///a.sock?db=3") == "redis+socket:///a.sock?virtual_host=3"
    assert broker_url("redis://:secret@host:6379/1") == "redis://:secret@host:6379/1"
