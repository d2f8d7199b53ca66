"""Where the embedded service keeps its data, and how its processes find each other."""

import fcntl
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.embedded import Addresses
from db.errors import ConflictError

_STATE = "running.json"
_LOCK = "lock"
_LOCK_TIMEOUT_S = 1.0
_SECRET = "secret"  # noqa: S105  # the name of a file


class HomeSettings(BaseSettings):
    """Where the embedded service keeps its data, read from ``ASKEDBEFORE_*``."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    home: Path | None = Field(
        default=None,
        description="Data folder of `askedbefore up`; `$XDG_DATA_HOME/askedbefore` when not set",
    )


class _Xdg(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="XDG_", frozen=True)

    data_home: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """What a running service tells other commands of this machine."""

    database_url: str
    redis_url: str
    secret_key: str


class FolderInUseError(ConflictError):
    """Another service uses this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is in use by another service; stop that one first")


def data_folder(chosen: Path | None) -> Path:
    """Return the data folder: the chosen one, the configured one, or the one XDG names."""
    folder = chosen or HomeSettings().home
    if folder is None:
        folder = (_Xdg().data_home or Path.home() / ".local" / "share") / "askedbefore"
    return folder.expanduser().resolve()


def secret_key(folder: Path) -> str:
    """Return the key that signs sessions, made once and readable by its owner alone."""
    path = folder / _SECRET
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8")


@contextmanager
def hold(folder: Path, addresses: Callable[[], Addresses]) -> Iterator[Running]:
    """Own *folder* for the block, and tell other commands where the service listens.

    The lock dies with this process, so a service that was killed is never taken for running.
    Raises `FolderInUseError` when another process owns the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("wb") as lock:
        _lock(lock.fileno(), folder)
        found = addresses()
        running = Running(found.database_url, found.redis_url, secret_key(folder))
        _write_private(folder / _STATE, json.dumps(asdict(running)))
        try:
            yield running
        finally:
            (folder / _STATE).unlink(missing_ok=True)


def _lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FolderInUseError(folder) from None
            time.sleep(0.05)
        else:
            return


def find_running(folder: Path) -> Running | None:
    """Return where the service of this folder listens, or None when it does not run."""
    state, lock = folder / _STATE, folder / _LOCK
    if not state.exists() or not lock.exists():
        return None
    with lock.open("rb") as held:
        try:
            fcntl.flock(held.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Running(**json.loads(state.read_text(encoding="utf-8")))
    return None


def _write_private(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")


def environment(running: Running) -> dict[str, str]:
    """Return the settings, as environment variables, of the processes of a service."""
    return {
        "ASKEDBEFORE_DATABASE_URL": running.database_url,
        "ASKEDBEFORE_REDIS_URL": running.redis_url,
        "ASKEDBEFORE_SECRET_KEY": running.secret_key,
    }
