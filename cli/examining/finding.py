"""The result of a check of one part of the service."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import redis
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from db.engine import Sessions, make_engine, make_sessions
from db.errors import ServiceError
from db.settings import DatabaseSettings
from worker.queue import make_redis
from worker.settings import WorkerSettings

_NO_RIGHT = "42501"
_CORRECT = "correct what it names; docs/settings.md describes every setting"
_GRANT = "run `askedbefore migrate --api-role ROLE` as the owner: it gives the role its rights"
_REPORT = "look for it in docs/trouble.md; if it is not there, report it with this line"


class FaultError(ServiceError):
    """A part of the service does not work; *fix* is what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a check: good, or a fault with what to do about it."""

    name: str
    ok: bool
    said: str
    fix: str = ""


class Patient:
    """The service that is checked. Connections are made when a check first needs them."""

    @cached_property
    def settings(self) -> WorkerSettings:
        """Return the settings of a worker on this machine."""
        return WorkerSettings()

    @cached_property
    def engine(self) -> Engine:
        """Return connections to the database."""
        return make_engine(DatabaseSettings())

    @property
    def sessions(self) -> Sessions:
        """Return sessions on the database."""
        return make_sessions(self.engine)

    @cached_property
    def redis(self) -> redis.Redis:
        """Return a client of Redis."""
        return make_redis(self.settings.redis_url.get_secret_value())


Check = Callable[[Patient], str]
"""Checks one part of the service and returns its state in words; raises `FaultError`."""


def look(name: str, check: Check, patient: Patient) -> Finding:
    """Run *check* and return its finding. Every error becomes a fault."""
    try:
        return Finding(name=name, ok=True, said=check(patient))
    except FaultError as error:
        return Finding(name=name, ok=False, said=str(error), fix=error.fix)
    except ServiceError as error:
        return Finding(name=name, ok=False, said=str(error), fix=_CORRECT)
    except DBAPIError as error:
        fix = _GRANT if getattr(error.orig, "pgcode", None) == _NO_RIGHT else _REPORT
        return Finding(name=name, ok=False, said=str(error.orig).strip(), fix=fix)
    except Exception as error:  # noqa: BLE001  # an unknown error is a finding too
        said = f"{type(error).__name__}: {error}".strip()
        return Finding(name=name, ok=False, said=said, fix=_REPORT)
