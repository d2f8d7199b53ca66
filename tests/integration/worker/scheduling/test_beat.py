"""Of several beats one sends; when it ends another takes its place."""

from pathlib import Path

import redis

from worker.app import make_app
from worker.queue import Broker
from worker.scheduling.beat import KEY, Place, schedule_of
from worker.settings import WorkerSettings


def test_one_beat_has_the_place_until_it_ends(redis_url: str) -> None:
    one, other = (Place(Broker(redis_url), name) for name in ("one", "other"))

    first = [one.is_ours(), other.is_ours(), one.is_ours()]
    client = redis.Redis.from_url(redis_url)
    expires_s = client.ttl(KEY)
    client.delete(KEY)  # as when it expires
    then = [other.is_ours(), one.is_ours()]
    client.close()

    assert first == [True, False, True]
    assert 0 < expires_s <= 20
    assert then == [True, False]


def test_without_redis_no_beat_sends() -> None:
    assert not Place(Broker("redis://127.0.0.1:1/0"), "one").is_ours()


def test_a_schedule_tells_that_it_turns(redis_url: str, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    settings = WorkerSettings.model_validate({"redis_url": redis_url, "alive_file": alive})
    made = schedule_of(settings)(app=make_app(settings))

    assert made.tick() <= 5
    assert alive.exists()
