"""A broker that hangs, is full, read-only or gone: nobody waits long, and all is well after."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import trustme

from cli.running.embedded import redis_command
from cli.running.service import wait_until
from cli.running.supervisor import Supervisor
from db.errors import TransientError
from db.work.rows import Lane
from tests.servers.tls import TlsProxy
from worker import queue as queueing
from worker.queue import CeleryQueue, CheckRequest, make_redis, tell_finished

PATIENCE_S = 1.0
"""Longest that a submission waits for a broker that does not answer."""


@dataclass(frozen=True, slots=True)
class OwnRedis:
    url: str
    socket: Path
    supervisor: Supervisor

    def pid(self) -> int:
        return self.supervisor.pid("redis")

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    with (
        tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder,
        Supervisor(Path(folder) / "logs", {}) as supervisor,
    ):
        path = Path(folder) / "redis.sock"
        supervisor.launch(redis_command(Path(folder), path))
        made = OwnRedis(f"unix://{path}", path, supervisor)
        wait_until(made.answers, timeout_s=60)
        yield made
        with suppress(ProcessLookupError):
            os.kill(made.pid(), signal.SIGCONT)


@pytest.fixture(autouse=True)
def soon_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "_AWAY_S", 0.5)


@contextmanager
def hung(own: OwnRedis) -> Iterator[None]:
    os.kill(own.pid(), signal.SIGSTOP)
    yield
    os.kill(own.pid(), signal.SIGCONT)


@contextmanager
def full(own: OwnRedis) -> Iterator[None]:
    with own.client() as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


@contextmanager
def read_only(own: OwnRedis) -> Iterator[None]:
    with own.client() as client:
        client.replicaof("127.0.0.1", 1)
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def gone(own: OwnRedis) -> Iterator[None]:
    os.kill(own.pid(), signal.SIGKILL)
    yield

    def is_back() -> bool:
        own.supervisor.check()
        return own.answers()

    wait_until(is_back, timeout_s=60)


ILLS = {"hung": hung, "full": full, "read-only": read_only, "gone": gone}


def timed(what: Callable[[], object]) -> float:
    begun = time.monotonic()
    what()
    return time.monotonic() - begun


@pytest.mark.parametrize("ill", ILLS)
def test_nobody_waits_longer_than_a_second_and_all_is_well_after(
    own_redis: OwnRedis, ill: str
) -> None:
    queue = CeleryQueue(own_redis.url)
    assert queue.wake(Lane.ARCHIVE)  # connected, as in a process that has run for a while

    with ILLS[ill](own_redis):
        first = timed(lambda: queue.wake(Lane.LIVE))
        again = min(timed(lambda: queue.wake(Lane.LIVE)) for _ in range(3))
        fresh = timed(lambda: CeleryQueue(own_redis.url).wake(Lane.LIVE))
        failed = queue.wake(Lane.LIVE)
        with pytest.raises(TransientError, match="takes no messages"):
            queue.ping()

    assert failed is False
    assert max(first, fresh) < PATIENCE_S
    assert again < 0.1
    time.sleep(0.6)
    queue.ping()
    assert queue.wake(Lane.LIVE)


def test_a_ping_and_a_check_do_not_hang_with_the_broker(own_redis: OwnRedis) -> None:
    queue = CeleryQueue(own_redis.url)
    request = CheckRequest(forum_id=1, title="Was this asked before")

    def check() -> None:
        with pytest.raises(TransientError):
            queue.check(request, timeout_s=0.5)

    def ping() -> None:
        with pytest.raises(TransientError):
            queue.ping()

    with hung(own_redis):
        assert timed(ping) < PATIENCE_S
        assert timed(check) < 2 * PATIENCE_S


def test_a_mark_without_its_message_holds_nothing_up_for_long(own_redis: OwnRedis) -> None:
    queue = CeleryQueue(own_redis.url)
    with own_redis.client() as client:
        client.set(queueing.wake_key(Lane.LIVE), "1", nx=True, ex=queueing._WAKE_TTL_S)  # noqa: SLF001
        client.flushdb()

        queue.wake(Lane.LIVE)

        assert client.llen(Lane.LIVE) == 1
        assert 0 < int(client.ttl(queueing.wake_key(Lane.LIVE))) <= 5


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def proxied(own: OwnRedis, authority: trustme.CA, host: str = "localhost") -> Iterator[int]:
    proxy = TlsProxy(own.socket, authority, host)
    with ExitStack() as stack:
        stack.callback(proxy.close)
        yield proxy.port


def test_a_certificate_that_nobody_vouches_for_is_refused_unless_told_otherwise(
    own_redis: OwnRedis, authority: trustme.CA
) -> None:
    with proxied(own_redis, authority) as port:
        url = f"rediss://localhost:{port}/0"

        assert CeleryQueue(url).wake(Lane.LIVE) is False
        with pytest.raises(TransientError, match="certificate is not verified: unable to get"):
            CeleryQueue(url).ping()
        assert sends(f"{url}?ssl_cert_reqs=none", own_redis)


def test_a_certificate_is_verified_for_its_host(
    own_redis: OwnRedis, authority: trustme.CA, tmp_path: Path
) -> None:
    vouched = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(vouched)
    with proxied(own_redis, authority) as port:
        assert sends(f"rediss://localhost:{port}/0?ssl_ca_certs={vouched}", own_redis)
    with proxied(own_redis, authority, "elsewhere.example") as port:
        url = f"rediss://localhost:{port}/0?ssl_ca_certs={vouched}"
        assert CeleryQueue(url).wake(Lane.LIVE) is False


def test_kombu_verifies_what_redis_py_verifies(own_redis: OwnRedis, authority: trustme.CA) -> None:
    with proxied(own_redis, authority) as port:
        sender = queueing.make_sender(f"rediss://localhost:{port}/0")
        with pytest.raises(queueing._BROKER_ERRORS):  # noqa: SLF001
            sender.send_task("worker.drain_live", queue=Lane.LIVE, ignore_result=True)
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            make_redis(f"rediss://localhost:{port}/0").ping()


def sends(url: str, own: OwnRedis) -> bool:
    """Return whether a wake-up that is sent to *url* arrives."""
    with own.client() as client:
        client.flushdb()
        return CeleryQueue(url).wake(Lane.LIVE) and client.llen(Lane.LIVE) == 1


def test_whoever_listens_hears_which_questions_are_finished(own_redis: OwnRedis) -> None:
    heard = CeleryQueue(own_redis.url).finished()
    with own_redis.client() as client:
        assert next(heard) == []  # subscribed, and nothing in the first second
        tell_finished(client, [3, 5])

        assert next(heard) == [3, 5]
        os.kill(own_redis.pid(), signal.SIGKILL)
        with pytest.raises(TransientError):
            next(heard)
