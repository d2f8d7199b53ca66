"""Where the embedded service keeps its data, and how its processes find each other."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from cli.embedded import Addresses

_STATE = "running.json"
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
    pid: int


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
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def announce(folder: Path, addresses: Addresses) -> Running:
    """Write down where the service listens, for `askedbefore keys` and the like."""
    running = Running(addresses.database_url, addresses.redis_url, secret_key(folder), os.getpid())
    path = folder / _STATE
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(running)), encoding="utf-8")
    return running


def withdraw(folder: Path) -> None:
    """Forget where the service listened."""
    (folder / _STATE).unlink(missing_ok=True)


def find_running(folder: Path) -> Running | None:
    """Return where the service of this folder listens, or None when it does not run."""
    path = folder / _STATE
    if not path.exists():
        return None
    running = Running(**json.loads(path.read_text(encoding="utf-8")))
    try:
        os.kill(running.pid, 0)
    except ProcessLookupError:
        return None
    return running


def environment(running: Running) -> dict[str, str]:
    """Return the settings, as environment variables, of the processes of a service."""
    return {
        "ASKEDBEFORE_DATABASE_URL": running.database_url,
        "ASKEDBEFORE_REDIS_URL": running.redis_url,
        "ASKEDBEFORE_SECRET_KEY": running.secret_key,
    }
