"""The service of a campaign: servers and processes that can be killed and started one by one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine

from cli.running import postgres
from cli.running.children import Command, end_leftovers, record, spawn
from cli.running.embedded import redis_command
from cli.running.home import Running, environment
from cli.running.service import answers, held_port, settings_of, wait_until
from db import patience, schema
from db.engine import Sessions, make_engine, make_sessions
from tests.faults.plan import WORKERS

SETTINGS = {
    "ASKEDBEFORE_SLICE_S": "0.5",
    "ASKEDBEFORE_SOFT_TIME_LIMIT_S": "8",
    "ASKEDBEFORE_TIME_LIMIT_S": "9",
    "ASKEDBEFORE_LEASE_S": "10",
    "ASKEDBEFORE_VISIBILITY_TIMEOUT_S": "11",
    "ASKEDBEFORE_SWEEP_S": "1",
    "ASKEDBEFORE_PROOF_S": "2",
    "ASKEDBEFORE_WEBHOOKS_ALLOW_PRIVATE": "true",
    "ASKEDBEFORE_UPLOAD_FREE_BYTES": "0",
    "ASKEDBEFORE_CHECK_TIMEOUT_S": "5",
}
"""Short leases, so that another process soon takes the work of a killed one."""
DATABASE = "campaign"
CONNECTIONS = 60
_START_S = 300.0
_ASK_S = 60.0


class World:
    """The processes of the service. A process that ends is started again at once."""

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self.folder = folder
        self.port = 0
        self.commands: dict[str, Command] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start_s = 0.0
        """Seconds that the service took to start on this machine."""
        self._lock = threading.RLock()
        self._ends = False
        self.meanwhile: Callable[[], object] = lambda: None
        """Called while somebody waits for Postgres, to resume a suspended process of it."""
        self.deaths = 0
        (folder / "redis").mkdir(parents=True, exist_ok=True)
        self.redis_socket = folder / "redis" / "redis.sock"
        self.sockets = database or folder / "postgres"
        """The folder of Postgres, with its socket."""
        host = f"host={self.sockets}&port={postgres.PORT}"
        self.running = Running(
            f"postgresql+psycopg2://{postgres.USER}@/{DATABASE}?{host}",
            f"unix://{self.redis_socket}",
            "0123456789abcdef" * 2,
        )
        self.sessions: Sessions = make_sessions(make_engine(settings_of(self.running.database_url)))
        self.redis = redis.Redis(
            unix_socket_path=str(self.redis_socket),
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),  # while this waits, no fault is ended
        )

    @property
    def url(self) -> str:
        """Return the address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start a process of the service."""
        with self._lock:
            self._processes[name] = spawn(self.commands[name], self.folder / "logs" / f"{name}.log")
            record(
                self.folder / "children-campaign.json",
                {one: process.pid for one, process in self._processes.items()},
            )

    def tend(self) -> None:
        """Start what has ended; call it from the main thread alone, often."""
        with self._lock:
            for name, process in list(self._processes.items()):
                if process.poll() is not None and not self._ends:
                    self.deaths += 1
                    self.start(name)

    def has_grown(self, pid: int) -> bool:
        """Return whether a process has lived for longer than a start takes."""
        with suppress(psutil.NoSuchProcess):
            return bool(time.time() - psutil.Process(pid).create_time() > self.start_s)
        return False

    def pid(self, name: str) -> int:
        """Return the process id of a process of the service."""
        return self._processes[name].pid

    def models_of(self, name: str) -> list[int]:
        """Return the child processes of a worker, which have the models."""
        with suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.pid(name)).children()]
        return []

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid(name), number)

    def connect(self, database: str) -> psycopg2.extensions.connection:
        """Return a connection as the database's owner."""
        where = f"host={self.sockets} port={postgres.PORT} user={postgres.USER} connect_timeout=3"
        return psycopg2.connect(f"{where} dbname={database}")

    def ask(self, statement: str, *, database: str = DATABASE) -> list[Any]:
        """Run one statement as the database's owner, outside any transaction of the service."""
        address = f"host={self.sockets} port={postgres.PORT} user={postgres.USER} dbname={database}"
        try:
            return patience.ask(address, statement, within_s=_ASK_S, meanwhile=self.meanwhile)
        except TimeoutError as error:
            raise psycopg2.OperationalError(str(error)) from error

    def wait_for(self, what: Callable[[], object], *, timeout_s: float = _START_S) -> None:
        """Wait until *what* is true, and start meanwhile what has ended."""

        def is_so() -> object:
            self.tend()
            with suppress(psycopg2.Error, redis.RedisError):
                return what()
            return False

        wait_until(is_so, timeout_s=timeout_s, pause_s=0.1)

    def stop(self) -> None:
        """End all processes, by a signal first and by killing them last."""
        self._ends = True
        for name in reversed(list(self._processes)):
            process = self._processes[name]
            self.signal(name, signal.SIGCONT)
            process.send_signal(self.commands[name].stop_signal)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            self.signal(name, signal.SIGKILL)
            process.wait()


@contextmanager
def running_world(
    folder: Path,
    database: Path | None = None,
    *,
    before_postgres: Callable[[World], object] = lambda _: None,
    options: Sequence[str] = (),
) -> Iterator[World]:
    """Run the service for the block, with an empty database in a folder that is not there.

    *before_postgres* is called when the database's files are made and its server has not started;
    *options* are settings of that server.
    """
    end_leftovers(folder)
    world = World(folder, database)
    with held_port() as port:
        world.port = port
        try:
            _start_servers(world, before_postgres, options)
            _start_service(world)
            yield world
        finally:
            world.stop()


def _start_servers(
    world: World, before_postgres: Callable[[World], object], options: Sequence[str]
) -> None:
    account = postgres.prepare(world.sockets)
    before_postgres(world)
    made = postgres.command(world.sockets, world.sockets, account)
    settings = (f"max_connections={CONNECTIONS}", *options)
    limit = [word for one in settings for word in ("-c", one)]
    world.commands["postgres"] = Command(
        name="postgres", arguments=[*made.arguments, *limit], environment=made.environment,
        account=made.account, stop_signal=made.stop_signal, folder=made.folder,
    )  # fmt: skip
    world.commands["redis"] = redis_command(world.folder / "redis", world.redis_socket)
    for name in ("postgres", "redis"):
        world.start(name)
    world.wait_for(lambda: world.ask("SELECT 1", database="postgres") and world.redis.ping())
    known = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
    if not world.ask(known, database="postgres"):
        world.ask(f"CREATE DATABASE {DATABASE}", database="postgres")
    engine = create_engine(world.running.database_url)
    schema.upgrade(engine)
    engine.dispose()


def _start_service(world: World) -> None:
    given = {**os.environ, **environment(world.running), **SETTINGS}  # noqa: TID251
    uploads = world.folder / "uploads"
    uploads.mkdir(exist_ok=True)
    given["ASKEDBEFORE_UPLOAD_FOLDER"] = str(uploads)
    given["OMP_NUM_THREADS"] = "1"
    python = [sys.executable, "-m"]
    arguments = {
        "api": [*python, "cli.main", "api", "--port", str(world.port)],
        **{one: [*python, "tests.faults.worker", "--name", one] for one in WORKERS},
        "beat": [*python, "cli.main", "beat"],
    }
    for name, words in arguments.items():
        world.commands[name] = Command(name=name, arguments=words, environment=given)
        world.start(name)
    begun = time.monotonic()
    world.wait_for(lambda: answers(world.url))
    world.start_s = time.monotonic() - begun
