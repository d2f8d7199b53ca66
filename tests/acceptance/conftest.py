"""The whole service as it runs on a bare machine: embedded servers, API, worker, beat."""

import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from cli.embedded import EmbeddedServers
from cli.home import environment, hold
from cli.supervisor import Supervisor
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.settings import DatabaseSettings
from db.tenants import forums, keys

START_TIMEOUT_S = 240
FAST = {
    "ASKEDBEFORE_SLICE_S": "0.5",
    "ASKEDBEFORE_SOFT_TIME_LIMIT_S": "20",
    "ASKEDBEFORE_TIME_LIMIT_S": "25",
    "ASKEDBEFORE_LEASE_S": "26",
    "ASKEDBEFORE_VISIBILITY_TIMEOUT_S": "30",
    "ASKEDBEFORE_SWEEP_S": "1",
    "ASKEDBEFORE_PROOF_S": "2",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """A running service."""

    url: str
    sessions: Sessions
    redis_url: str
    supervisor: Supervisor

    def client(self, forum: str, *scopes: str) -> httpx2.Client:
        """Return a client with a new key for *forum*."""
        with self.sessions.begin() as session:
            row = forums.ensure_forum(session, forum)
            wanted = scopes or ("submit", "review")
            key = keys.create_key(session, name="test", forum_ids=[row.id], scopes=wanted)
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], bool], *, timeout_s: float = START_TIMEOUT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with (
        tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder,
        EmbeddedServers(Path(folder)) as servers,
        hold(Path(folder), lambda: servers.addresses) as running,
    ):
        engine = make_engine(
            DatabaseSettings.model_validate({"database_url": running.database_url})
        )
        schema.upgrade(engine)
        port = free_port()
        with Supervisor(Path(folder) / "logs", {**environment(running), **FAST}) as supervisor:
            for name, arguments in (
                ("api", ["api", "--port", str(port)]),
                ("worker", ["worker"]),
                ("beat", ["beat"]),
            ):
                supervisor.start(name, arguments)
            url = f"http://127.0.0.1:{port}"

            def ready() -> bool:
                supervisor.check()
                return is_ready(url)

            wait_for(ready)
            yield Stack(url, make_sessions(engine), running.redis_url, supervisor)
        engine.dispose()
