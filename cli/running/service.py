"""Starts the service on this machine: its servers, its schema and its processes.

Commands, measurements and tests use it. What a block starts is stopped at its end.
"""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx2
import psutil
from sqlalchemy import Engine

from cli.running.embedded import EmbeddedServers
from cli.running.home import Running, environment, hold
from cli.running.signs import Knocks, Touches
from cli.running.supervisor import Supervisor
from db import schema
from db.engine import Sessions, make_engine, make_sessions
from db.errors import TransientError
from db.settings import DatabaseSettings
from db.tenants import forums, keys

READY_TIMEOUT_S = 600.0
"""The first start on a machine converts the models."""
_SILENT_AT_MOST_S = 60.0
_WORKER_SILENT_AT_MOST_S = 300.0
"""A worker gives a sign of life once a minute, when it runs its models between two batches."""


class WaitedTooLongError(TransientError):
    """A condition did not become true in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Running Postgres and Redis; the database has the newest schema."""

    folder: Path
    running: Running
    engine: Engine

    @property
    def sessions(self) -> Sessions:
        """Return sessions on the database."""
        return make_sessions(self.engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that is ready: API, workers and beat."""

    url: str
    servers: Servers
    supervisor: Supervisor

    @property
    def sessions(self) -> Sessions:
        """Return sessions on the service's database."""
        return self.servers.sessions

    def client(self, forum: str, *scopes: str, timeout_s: float = 60.0) -> httpx2.Client:
        """Return a client with a new key for *forum*, which is created if it is new."""
        with self.sessions.begin() as session:
            row = forums.ensure_forum(session, forum)
            wanted = scopes or ("submit", "review")
            key = keys.create_key(session, name=forum, forum_ids=[row.id], scopes=wanted)
        headers = {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=timeout_s)

    def worker_children(self, name: str = "worker") -> list[int]:
        """Return the ids of a worker's child processes, which have the models."""
        parent = psutil.Process(self.supervisor.pid(name))
        return [child.pid for child in parent.children()]


@contextmanager
def held_servers(
    folder: Path, *, url: str | None = None, say: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[EmbeddedServers, Running]]:
    """Own *folder* for the block, and run the embedded servers in it.

    *url* is where the API will listen, *say* gets messages for the operator. Raises
    `FolderInUseError` if another service owns the folder.
    """
    servers = EmbeddedServers(folder, say=say)
    with hold(folder, servers.start, url=url, say=say) as running:
        try:
            yield servers, running
        finally:
            servers.stop()  # before the folder's lock ends


@contextmanager
def running_servers(folder: Path | None = None) -> Iterator[Servers]:
    """Run the migrated servers of *folder*, or of a temporary folder, for the block."""
    with ExitStack() as stack:
        if folder is None:
            # Not in TMPDIR: a socket's path must stay under 107 characters.
            thrown_away = tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp")
            folder = Path(stack.enter_context(thrown_away))
        _, running = stack.enter_context(held_servers(folder))
        engine = make_engine(settings_of(running.database_url))
        stack.callback(engine.dispose)
        schema.upgrade(engine)
        yield Servers(folder=folder, running=running, engine=engine)


@contextmanager
def running_service(
    servers: Servers,
    *,
    workers: Sequence[str] = ("worker",),
    settings: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Run the processes of a service with these *workers*; *settings* are environment variables."""
    given = {**environment(servers.running), **(settings or {})}
    with held_port() as port, Supervisor(servers.folder / "logs", given) as supervisor:
        start_processes(supervisor, port=port, workers=workers)
        url = f"http://127.0.0.1:{port}"

        def is_ready() -> bool:
            supervisor.check()
            return answers(url)

        wait_until(is_ready, timeout_s=READY_TIMEOUT_S)
        yield Service(url=url, servers=servers, supervisor=supervisor)


def start_processes(
    supervisor: Supervisor, *, port: int, workers: Sequence[str] = ("worker",)
) -> None:
    """Start an API on *port*, *workers* by their names, and the beat."""
    supervisor.start(
        "api",
        ["api", "--port", str(port)],
        signs=Knocks(lambda: _caller().get(f"http://127.0.0.1:{port}/livez", timeout=None)),
        silent_at_most_s=_SILENT_AT_MOST_S,
    )
    for name in workers:
        supervisor.start(
            name,
            ["worker", "--name", name],
            signs=Touches(supervisor.logs / f"{name}.alive"),
            silent_at_most_s=_WORKER_SILENT_AT_MOST_S,
        )
    supervisor.start(
        "beat",
        ["beat"],
        signs=Touches(supervisor.logs / "beat.alive"),
        silent_at_most_s=_SILENT_AT_MOST_S,
    )


@contextmanager
def held_port(wanted: int = 0) -> Iterator[int]:
    """Reserve a free port, or the *wanted* one, for the block; one server can listen there.

    The socket never listens; servers set SO_REUSEADDR, which lets them share the address with it.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", wanted))
        yield int(held.getsockname()[1])


def settings_of(database_url: str) -> DatabaseSettings:
    """Return the settings of the database at this URL, with defaults for all others."""
    return DatabaseSettings.model_validate({"database_url": database_url})


@cache
def _caller() -> httpx2.Client:
    """Return the client of repeated calls. It keeps no connection; to make one takes 30 ms."""
    return httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0))


def answers(url: str) -> bool:
    """Return whether every part of the service at *url* answers."""
    try:
        return _caller().get(f"{url}/readyz").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def wait_until(what: Callable[[], object], *, timeout_s: float, pause_s: float = 0.05) -> None:
    """Wait until *what* returns a true value; raises `WaitedTooLongError` after *timeout_s*."""
    deadline = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > deadline:
            raise WaitedTooLongError(f"it did not happen within {timeout_s:g} s")
        time.sleep(pause_s)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Suspend a process of the service, with its whole process group, for the block."""
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)
