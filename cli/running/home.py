"""The data folder of the embedded service: its lock, and the addresses for other commands."""

import fcntl
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.running.children import end_leftovers
from cli.running.embedded import Addresses
from db.errors import ConflictError
from db.secrets_in_files import ServiceSettings

_STATE = "running.json"
_LOCK = "lock"
_LOCK_TIMEOUT_S = 1.0
UP = "up"
"""The command that owns a data folder while its service runs."""
_SECRET = "secret"  # noqa: S105  # the name of a file


class HomeSettings(ServiceSettings):
    """Settings of the data folder, read from ``ASKEDBEFORE_*``."""

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
    """The addresses of a running service, for other commands on this machine."""

    database_url: str
    redis_url: str
    secret_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that owns a data folder."""

    pid: int
    command: str
    since: str
    url: str | None = None

    def __str__(self) -> str:
        where = f", which listens on {self.url}," if self.url else ""
        return f"process {self.pid} (askedbefore {self.command}){where} since {self.since}"


class FolderInUseError(ConflictError):
    """Another service uses this data folder."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        who = str(holder) if holder else "another process"
        end = ": `askedbefore down` ends it" if holder and holder.command == UP else ""
        super().__init__(f"{folder} is in use by another service, {who}{end}")


def data_folder(chosen: Path | None) -> Path:
    """Return the data folder: the chosen one, that of the settings, or that of XDG."""
    folder = chosen or HomeSettings().home
    if folder is None:
        folder = (_Xdg().data_home or Path.home() / ".local" / "share") / "askedbefore"
    return folder.expanduser().resolve()


def secret_key(folder: Path) -> str:
    """Return the key that signs sessions. It is made once; only the file's owner can read it."""
    path = folder / _SECRET
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="utf-8")


@contextmanager
def hold(
    folder: Path,
    addresses: Callable[[], Addresses],
    *,
    url: str | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Iterator[Running]:
    """Own *folder* for the block, and write the addresses of the servers into it.

    The lock ends with this process, so a killed service never counts as running. Processes that an
    earlier service has left running are ended first. Raises `FolderInUseError`, which names the
    owner.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+b") as lock:
        _lock(lock, folder)
        _sign(lock, url)
        for left in end_leftovers(folder):
            say(f"Ended processes that an earlier start had left: {left}")
        found = addresses()
        running = Running(found.database_url, found.redis_url, secret_key(folder))
        _write_private(folder / _STATE, json.dumps(asdict(running)))
        try:
            yield running
        finally:
            (folder / _STATE).unlink(missing_ok=True)


def _lock(lock: BinaryIO, folder: Path) -> None:
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FolderInUseError(folder, _read_holder(folder)) from None
            time.sleep(0.05)
        else:
            return


def _sign(lock: BinaryIO, url: str | None) -> None:
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    lock.truncate(0)
    lock.write(json.dumps([os.getpid(), command, since, url]).encode())
    lock.flush()


def _read_holder(folder: Path) -> Holder | None:
    try:
        pid, command, since, url = json.loads((folder / _LOCK).read_bytes())
    except (
        OSError,
        ValueError,
        TypeError,
    ):  # written by an earlier version, or not written completely yet
        return None
    return Holder(pid=pid, command=command, since=since, url=url)


def find_holder(folder: Path) -> Holder | None:
    """Return the process that owns *folder* now, or None.

    Raises `FolderInUseError` if the owner is unknown.
    """
    if not is_held(folder):
        return None
    holder = _read_holder(folder)
    if holder is None:
        raise FolderInUseError(folder, None)
    return holder


def is_held(folder: Path) -> bool:
    """Return whether a process owns *folder*."""
    if not (folder / _LOCK).exists():
        return False
    with (folder / _LOCK).open("rb") as held:
        try:
            fcntl.flock(held.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def find_running(folder: Path) -> Running | None:
    """Return where the service of this folder listens, or None if it does not run."""
    state = folder / _STATE
    if not state.exists() or not is_held(folder):
        return None
    return Running(**json.loads(state.read_text(encoding="utf-8")))


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
