"""The only way for other packages to reach the workers: task names and typed functions.

A message only wakes a worker; the work is in the rows. So a request does not fail if Redis is down:
the sweep wakes the lane later. While one wake-up of a lane waits, no second one is sent.
"""

import json
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from db.errors import TransientError
from db.work.rows import Lane
from worker.process import meter

DRAIN = {Lane.LIVE: "worker.drain_live", Lane.ARCHIVE: "worker.drain_archive"}
CHECK = "worker.check"

_WAKE_TTL_S = 2
"""Short, because a Redis that was stopped may later set this key for a message that was never sent.
"""
_TIMEOUT_S = 0.4
"""For each answer of the broker; a request that submits a question waits for at most two."""
_AWAY_S = 3.0
"""For so long a broker that did not answer is not asked again for anything optional."""
_CONNECT_TIMEOUT_S = 1.0
_REPLY_TTL_S = 60
_PING_KEY = "askedbefore:ping"
_FINISHED = "askedbefore:finished"
_HEARING_S = 1.0
_UNVERIFIED = re.compile(r"certificate verify failed: ([^(\]]+)")
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_BROKER_ERRORS = (redis.RedisError, OperationalError, OSError)

_Answer = TypeVar("_Answer")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """A text that is checked and not stored."""

    forum_id: int
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDuplicate:
    """A stored question that is a duplicate of the text."""

    id: str
    title: str
    url: str | None
    score: float
    cosine: float | None
    kind: str
    answers: int | None = None
    accepted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """A worker's answer to a check."""

    duplicates: Sequence[CheckedDuplicate] = field(default_factory=tuple)
    threshold: float
    bi_encoder: str
    reranker: str
    warnings: Sequence[str] = field(default_factory=tuple)


class Queue(Protocol):
    """Requests to the workers."""

    def wake(self, lane: Lane) -> bool:
        """Wake the workers of a lane; call it after the rows are committed.

        Returns whether a message was sent or waits; otherwise the sweep wakes the lane later.
        """
        ...

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        """Return a worker's answer; raises `TransientError` if none comes in time."""
        ...

    def finished(self) -> Iterator[list[int]]:
        """Yield the ids of questions as workers finish them, and `[]` in a second without any.

        Raises `TransientError` when the broker is away. Messages sent meanwhile are lost.
        """
        ...

    def ping(self) -> None:
        """Raise `TransientError` when the broker does not answer, or takes no message."""
        ...

    def measured(self) -> Mapping[tuple[str, ...], float]:
        """Return the sums of all workers, by the parts of their names; see `Meter`."""
        ...


class Broker:
    """Redis for optional work: after a failure it is not asked again for a few seconds."""

    def __init__(self, redis_url: str) -> None:
        self.redis = make_redis(redis_url)
        self._away_until = 0.0

    def ask(self, question: Callable[[redis.Redis], _Answer], default: _Answer) -> _Answer:
        """Return the answer of Redis, or *default* while Redis is down, hangs, or refuses."""
        if time.monotonic() < self._away_until:
            return default
        try:
            return question(self.redis)
        except _BROKER_ERRORS as error:
            self._away_until = time.monotonic() + _AWAY_S
            log.warning("queue.broker_failed", error=type(error).__name__)
            return default


class CeleryQueue:
    """The `Queue` on Celery and Redis."""

    def __init__(self, redis_url: str) -> None:
        self._celery = make_sender(redis_url)
        self._broker = Broker(redis_url)
        self._patient = cache(lambda wait_s: make_redis(redis_url, timeout_s=wait_s + _TIMEOUT_S))

    def wake(self, lane: Lane) -> bool:
        """Wake the workers of a lane, unless a message for it waits already.

        Returns whether a message was sent or waits.
        """

        def send(client: redis.Redis) -> bool:
            if client.set(wake_key(lane), "1", nx=True, ex=_WAKE_TTL_S):
                self._celery.send_task(DRAIN[lane], queue=lane, ignore_result=True)
            return True

        return self._broker.ask(send, default=False)

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        """Return a worker's answer; raises `TransientError` if none comes in time."""
        reply = f"askedbefore:reply:{uuid4().hex}"
        try:
            self._celery.send_task(
                CHECK, args=[asdict(request), reply], queue=Lane.CHECK, expires=timeout_s
            )
            popped = self._patient(timeout_s).blpop([reply], timeout=timeout_s)
        except _BROKER_ERRORS as error:
            raise TransientError("the queue does not answer; try again", retry_after_s=5) from error
        if popped is None:
            raise TransientError("no worker answered in time; try again", retry_after_s=2)
        return _read_answer(popped[1])

    def finished(self) -> Iterator[list[int]]:
        """Yield the ids of questions as workers finish them, and `[]` in a second without any.

        Raises `TransientError` when the broker is away. Messages sent meanwhile are lost.
        """
        try:
            with _subscription(self._patient(_HEARING_S)) as heard:
                heard.subscribe(_FINISHED)
                while True:
                    message = heard.get_message(timeout=_HEARING_S)
                    yield json.loads(message["data"]) if message is not None else []
        except _BROKER_ERRORS as error:
            raise TransientError("the queue does not answer; try again", retry_after_s=5) from error

    def ping(self) -> None:
        """Raise `TransientError` when the broker does not answer, or takes no message."""
        try:
            self._broker.redis.set(_PING_KEY, "1", ex=_REPLY_TTL_S)  # fails if full or read-only
        except _BROKER_ERRORS as error:
            raise TransientError(f"takes no messages ({_reason(error)})") from error

    def measured(self) -> Mapping[tuple[str, ...], float]:
        """Return the sums of all workers; empty while Redis is down."""
        return self._broker.ask(meter.read, default={})


def _reason(error: BaseException) -> str:
    """Return a short reason without addresses, because these may contain passwords."""
    found = _UNVERIFIED.search(str(error))
    if found is None:
        return type(error).__name__
    return f"its certificate is not verified: {found[1].strip()}; see ssl_ca_certs in the docs"


def _subscription(client: Any) -> Any:
    return client.pubsub(ignore_subscribe_messages=True)  # redis-py has no types here


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


def tell_finished(client: redis.Redis, ids: Sequence[int]) -> None:
    """Publish that these questions are finished; call it after the commit."""
    client.publish(_FINISHED, json.dumps(list(ids)))


def wake_key(lane: Lane) -> str:
    """Return the key in Redis that exists while a wake-up of *lane* waits."""
    return f"askedbefore:wake:{lane}"


def make_redis(url: str, *, timeout_s: float = _TIMEOUT_S) -> redis.Redis:
    """Return a client that waits at most *timeout_s* for a server that is down or hangs."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, _CONNECT_TIMEOUT_S),
        retry=Retry(NoBackoff(), 0),
    )


def broker_url(url: str) -> str:
    """Return *url* in the form of kombu, which differs for Unix sockets.

    ``unix:///run/redis.sock?db=1`` is ``redis+socket:///run/redis.sock?virtual_host=1``.
    """
    if not url.startswith("unix://"):
        return url
    rest = re.sub(r"([?&])db=", r"\1virtual_host=", url.removeprefix("unix://"))
    return f"redis+socket://{rest}"


def broker_tls(url: str) -> dict[str, object] | None:
    """Return kombu's options for TLS, or None; without them kombu accepts any certificate.

    The certificate is verified unless the URL has ``?ssl_cert_reqs=none``, as in redis-py.
    """
    if not url.startswith("rediss://"):
        return None
    options = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    is_unverified = options.pop("ssl_cert_reqs", "required").lower() in {"none", "cert_none"}
    files = {name: value for name, value in options.items() if name in _TLS_FILES}
    if is_unverified:
        return {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_check_hostname": False, **files}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **files}


def make_sender(url: str) -> Celery:
    """Return a Celery app that only sends, and fails at once if the broker is down."""
    app = Celery("askedbefore", broker=broker_url(url), set_as_current=False)
    app.conf.update(
        broker_use_ssl=broker_tls(url),
        broker_transport_options={
            "socket_connect_timeout": _TIMEOUT_S,
            "socket_timeout": _TIMEOUT_S,
            "max_retries": 0,
        },
        broker_connection_retry_on_startup=False,
        task_publish_retry=False,
        task_ignore_result=True,
    )
    logging.getLogger("kombu").setLevel(logging.ERROR)
    return app
