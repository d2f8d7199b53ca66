"""The beat: sends the periodic tasks. One beat sends; further ones wait until it has died.

In every round a beat reports to its supervisor that it runs.
"""

import os
import socket
import time
from typing import Any

from celery.beat import Scheduler

from worker.process import alive
from worker.queue import Broker
from worker.settings import WorkerSettings

KEY = "askedbefore:beat"
_ROUND_S = 5.0
_HELD_S = 20
"""Seconds after which another beat replaces one that has died."""

_TAKE = """
if redis.call('get', KEYS[1]) == ARGV[1] or redis.call('set', KEYS[1], ARGV[1], 'NX') then
  redis.call('expire', KEYS[1], ARGV[2])
  return 1
end
return 0
"""


class Place:
    """The right to send, which one beat has; it is kept in Redis and ends by itself."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self._name = name

    def is_ours(self) -> bool:
        """Take or renew the place; return whether this beat has it.

        Without Redis no beat has it.
        """
        taken = self._broker.ask(
            lambda client: client.eval(_TAKE, 1, KEY, self._name, str(_HELD_S)), default=0
        )
        return bool(taken)


def schedule_of(settings: WorkerSettings) -> type[Scheduler]:
    """Return the class of a beat's schedule with these *settings*; it is in memory only."""
    broker = Broker(settings.redis_url.get_secret_value())
    place = Place(broker, f"{socket.gethostname()}-{os.getpid()}")

    class OneOfMany(Scheduler):
        _reported_at = float("-inf")

        def tick(self, *arguments: Any, **options: Any) -> float:
            wait_s = _ROUND_S
            if place.is_ours():
                wait_s = min(_ROUND_S, super().tick(*arguments, **options))
            if time.monotonic() - self._reported_at >= _ROUND_S:
                alive.tell(settings.alive_file)
                self._reported_at = time.monotonic()
            return wait_s

    return OneOfMany
