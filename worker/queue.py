"""The only way for other packages to reach the workers: task names and typed functions.

A message only wakes a worker; the row is the truth. So `wake` never fails a request because Redis
is away: the sweep wakes the lane later. While one wake-up of a lane waits, no second one is sent.
"""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol
from uuid import uuid4

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from db.errors import TransientError
from db.work.rows import Lane

DRAIN = {Lane.LIVE: "worker.drain_live", Lane.ARCHIVE: "worker.drain_archive"}
CHECK = "worker.check"

_WAKE_TTL_S = 30
_SOCKET_TIMEOUT_S = 2.0
_REPLY_TTL_S = 60
_BROKER_ERRORS = (redis.RedisError, OperationalError, OSError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """A text that is compared and not stored."""

    forum_id: int
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDuplicate:
    """A stored question that asks the same as the text."""

    id: str
    title: str
    url: str | None
    score: float
    cosine: float | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """The answer of a worker."""

    duplicates: Sequence[CheckedDuplicate] = field(default_factory=tuple)
    threshold: float
    bi_encoder: str
    reranker: str
    warnings: Sequence[str] = field(default_factory=tuple)


class Queue(Protocol):
    """Requests to the workers."""

    def wake(self, lane: Lane) -> bool:
        """Wake the workers of a lane; call it after the rows are committed.

        Returns whether a message was sent or waits; if not, the sweep wakes the lane later.
        """
        ...

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        """Return a worker's answer; raises `TransientError` if none comes in time."""
        ...

    def ping(self) -> None:
        """Raise `TransientError` if the broker does not answer."""
        ...


class CeleryQueue:
    """Sends work through Redis."""

    def __init__(self, redis_url: str) -> None:
        self._celery = make_sender(redis_url)
        self._redis = make_redis(redis_url)

    def wake(self, lane: Lane) -> bool:
        """Wake the workers of a lane, unless a message for it waits already.

        Returns whether a message was sent or waits.
        """
        try:
            if self._redis.set(wake_key(lane), "1", nx=True, ex=_WAKE_TTL_S):
                self._celery.send_task(DRAIN[lane], queue=lane, ignore_result=True)
        except _BROKER_ERRORS as error:
            log.warning("queue.wake_failed", lane=lane, error=type(error).__name__)
            return False
        return True

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        """Return a worker's answer; raises `TransientError` if none comes in time."""
        reply = f"askedbefore:reply:{uuid4().hex}"
        try:
            self._celery.send_task(
                CHECK, args=[asdict(request), reply], queue=Lane.CHECK, expires=timeout_s
            )
            popped = self._redis.blpop([reply], timeout=timeout_s)
        except _BROKER_ERRORS as error:
            raise TransientError("the queue is away; try again", retry_after_s=5) from error
        if popped is None:
            raise TransientError("no worker answered in time; try again", retry_after_s=2)
        return _read_answer(popped[1])

    def ping(self) -> None:
        """Raise `TransientError` if the broker does not answer."""
        try:
            self._redis.ping()
        except _BROKER_ERRORS as error:
            raise TransientError("the queue is away") from error


def _read_answer(payload: bytes | str) -> CheckAnswer:
    data = json.loads(payload)
    if "error" in data:
        raise TransientError(data["error"], retry_after_s=2)
    found = tuple(CheckedDuplicate(**one) for one in data.pop("duplicates"))
    return CheckAnswer(duplicates=found, **data)


def send_answer(client: redis.Redis, reply: str, answer: CheckAnswer | str) -> None:
    """Push a worker's answer, or the reason why there is none, to the waiting caller."""
    data = {"error": answer} if isinstance(answer, str) else asdict(answer)
    pipeline = client.pipeline()
    pipeline.rpush(reply, json.dumps(data))
    pipeline.expire(reply, _REPLY_TTL_S)
    pipeline.execute()


def wake_key(lane: Lane) -> str:
    """Return the key in Redis that exists while a wake-up of *lane* waits."""
    return f"askedbefore:wake:{lane}"


def make_redis(url: str) -> redis.Redis:
    """Return a client with time limits, so that it cannot hang on a dead server."""
    if url.startswith("unix"):  # on the same machine: it answers or refuses at once
        return redis.Redis.from_url(url)
    return redis.Redis.from_url(
        url, socket_connect_timeout=_SOCKET_TIMEOUT_S, socket_keepalive=True
    )


def broker_url(url: str) -> str:
    """Return *url* as kombu writes it: another scheme, and another name for the database.

    ``unix:///run/redis.sock?db=1`` is ``redis+socket:///run/redis.sock?virtual_host=1``.
    """
    if not url.startswith("unix://"):
        return url
    rest = re.sub(r"([?&])db=", r"\1virtual_host=", url.removeprefix("unix://"))
    return f"redis+socket://{rest}"


def make_sender(url: str) -> Celery:
    """Return a Celery app that only sends, and fails within seconds if the broker is away."""
    app = Celery("askedbefore", broker=broker_url(url), set_as_current=False)
    app.conf.update(
        broker_transport_options={
            "socket_connect_timeout": _SOCKET_TIMEOUT_S,
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "max_retries": 1,
        },
        broker_connection_retry_on_startup=False,
        task_publish_retry=False,
        task_ignore_result=True,
    )
    logging.getLogger("kombu").setLevel(logging.ERROR)
    return app
