"""The systemd units for a host without Docker. They use the Python of this process."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from db.errors import InvalidInputError, ServiceError

_USER = "askedbefore"
_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
UMask=0077
"""
_DEVICES = "PrivateDevices=yes\nProtectProc=invisible\nProcSubset=pid\n"
_UNIT = """\
[Unit]
Description={description}
Documentation=https://askedbefore.example/docs
After=network-online.target postgresql.service redis-server.service{after}
Wants=network-online.target
{requires}
[Service]
Type={kind}
{identity}EnvironmentFile={settings}
Environment=PYTHONUNBUFFERED=1 ASKEDBEFORE_MODEL_CACHE={cache}
ExecStart={command}
{timing}{limits}{hardened}
[Install]
WantedBy={target}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where units are written and what they name."""

    units: Path
    settings: Path
    """The file to write."""
    seen_as: Path
    """That file, where a unit finds it when it runs."""
    is_user: bool

    @classmethod
    def of_system(cls, root: Path = Path("/")) -> "Place":
        """Return the place of units that the system runs, its files below *root*, as in an image.

        The units name the settings as the system sees them once it runs from there.
        """
        return cls(
            units=root / "etc/systemd/system",
            settings=root / "etc/askedbefore/settings.env",
            seen_as=Path("/etc/askedbefore/settings.env"),
            is_user=False,
        )

    @classmethod
    def of_user(cls, home: Path | None = None) -> "Place":
        """Return the place of units that a user's own manager runs."""
        config = (home or Path.home()) / ".config"
        return cls(
            units=config / "systemd/user",
            settings=config / "askedbefore/settings.env",
            seen_as=config / "askedbefore/settings.env",
            is_user=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    description: str
    arguments: str
    kind: str
    timing: str
    limits: str
    devices: str = _DEVICES


_RESTARTED = "Restart=always\nRestartSec=2\n"
_KINDS = (
    _Kind(
        name="askedbefore-migrate.service",
        description="askedbefore: bring the database to the newest schema",
        arguments="migrate",
        kind="oneshot",
        timing="RemainAfterExit=no\nTimeoutStartSec=infinity\n",
        limits="MemoryMax=512M\nTasksMax=64\n",
    ),
    _Kind(
        name="askedbefore-api.service",
        description="askedbefore: HTTP API and console",
        arguments="api --host 127.0.0.1 --port 8000",
        kind="notify",
        timing=f"NotifyAccess=all\nWatchdogSec=60\nTimeoutStopSec=30\n{_RESTARTED}",
        limits="MemoryMax=1G\nTasksMax=256\n",
    ),
    _Kind(
        name="askedbefore-worker@.service",
        description="askedbefore: worker %i",
        arguments="worker --name %i",
        kind="notify",
        # The first start exports the models. The child process, which has the models, gives the
        # sign of life.
        timing="NotifyAccess=all\nWatchdogSec=180\nTimeoutStartSec=900\nTimeoutStopSec=60\n"
        + _RESTARTED,
        limits="MemoryMax=3G\nTasksMax=256\n",
        devices="",  # a GPU is a device
    ),
    _Kind(
        name="askedbefore-beat.service",
        description="askedbefore: clock of the periodic tasks",
        arguments="beat",
        kind="notify",
        timing=f"NotifyAccess=all\nWatchdogSec=60\nTimeoutStopSec=15\n{_RESTARTED}",
        limits="MemoryMax=512M\nTasksMax=64\n",
    ),
)


def units(place: Place, *, program: str | None = None) -> dict[str, str]:
    """Return the content of each unit by its name; *program* is the path of the command."""
    words = [program] if program else _program()
    return {kind.name: _unit(kind, place, " ".join(map(_word, words))) for kind in _KINDS}


def _program() -> list[str]:
    script = Path(sys.prefix) / "bin" / "askedbefore"
    return [str(script)] if script.exists() else [sys.executable, "-m", "cli.main"]


def _word(text: str) -> str:
    """Return a word of a command as systemd reads it: quoted, where it has to be."""
    literal = text.replace("%", "%%")
    if re.fullmatch(r"[\w./@:%+=-]+", literal):
        return literal
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _unit(kind: _Kind, place: Place, program: str) -> str:
    is_migration = kind.arguments == "migrate"
    first = _KINDS[0].name
    if place.is_user:
        identity, cache = "CacheDirectory=askedbefore\n", "%C/askedbefore"
    else:
        identity = f"User={_USER}\nGroup={_USER}\nCacheDirectory=askedbefore\n"
        cache = "/var/cache/askedbefore"
    hardened = _HARDENED.format(home="read-only" if place.is_user else "yes")
    return _UNIT.format(
        description=kind.description,
        after="" if is_migration else f" {first}",
        requires="" if is_migration else f"Requires={first}\n",
        kind=kind.kind,
        identity=identity,
        settings=str(place.seen_as).replace("%", "%%"),
        cache=cache,
        command=f"{program} {kind.arguments}",
        timing=kind.timing,
        limits=kind.limits,
        hardened=hardened + kind.devices,
        target="default.target" if place.is_user else "multi-user.target",
    )


def install(place: Place) -> list[Path]:
    """Write the units and, if it is not there, a file for the settings; return what was written.

    Raises `ServiceError` if this user may not write.
    """
    if not place.is_user and Path(sys.prefix).is_relative_to(Path.home()) and os.geteuid() == 0:
        raise InvalidInputError(
            f"{sys.prefix} is in a home folder, which system units cannot read: install it under"
            " /opt or /srv, or use --user"
        )
    try:
        place.units.mkdir(parents=True, exist_ok=True)
        written = []
        for name, content in units(place).items():
            (place.units / name).write_text(content, encoding="utf-8")
            written.append(place.units / name)
        if not place.settings.exists():
            place.settings.parent.mkdir(parents=True, exist_ok=True)
            place.settings.touch(mode=0o600)
            place.settings.write_text(_SETTINGS, encoding="utf-8")
            written.append(place.settings)
    except OSError as error:
        raise ServiceError(f"{error.filename} cannot be written: {error.strerror}") from error
    return written


_SETTINGS = """\
# The settings of all units; docs/settings.md names the others.
ASKEDBEFORE_DATABASE_URL=postgresql+psycopg2://askedbefore@127.0.0.1/askedbefore
#ASKEDBEFORE_DATABASE_PASSWORD_FILE=/etc/askedbefore/database_password
ASKEDBEFORE_REDIS_URL=redis://127.0.0.1:6379/0
#ASKEDBEFORE_REDIS_PASSWORD_FILE=/etc/askedbefore/redis_password
# openssl rand -hex 32 > /etc/askedbefore/secret_key
ASKEDBEFORE_SECRET_KEY_FILE=/etc/askedbefore/secret_key
#ASKEDBEFORE_PUBLIC_URL=https://duplicates.example
"""
