"""Faults of Postgres and Redis: how each is made, and which answers a forum may get meanwhile."""

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

import httpx2
import psycopg2

from tests.faults.breaking import Breaker
from tests.faults.plan import WORKERS, Fault
from tests.faults.receiver import Receiver
from tests.faults.tls import Tls
from tests.faults.world import DATABASE, World
from tests.servers.disks import filled

_LONG_S = 1e6
_MOST_WAL = 400
"""Pieces of a mebibyte that are tried at most, until there is no room for the log."""
_REDIS = "ASKEDBEFORE_REDIS_URL"

Break = Callable[[World, ExitStack], None]


def _fault(kind: str) -> Break:
    """Return what makes a fault of the campaign, which lasts until it is taken back."""

    def make(world: World, undo: ExitStack) -> None:
        breaker = Breaker(world, Receiver(), lambda: None, spares=0.0)
        if not breaker.make(Fault(after_s=0.0, kind=kind, lasts_s=_LONG_S)):
            raise RuntimeError(f"{kind}: it met nobody")
        undo.callback(breaker.tend, at_once=True)

    return make


def _stop(choose: Callable[[World], Sequence[int]]) -> Break:
    """Return what stops processes of Postgres."""

    def make(world: World, undo: ExitStack) -> None:
        pids = choose(world)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        undo.callback(_let_go, pids)

    return make


def _let_go(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _every_second_backend(world: World) -> list[int]:
    asked = f"SELECT pid FROM pg_stat_activity WHERE datname = '{DATABASE}' ORDER BY pid"
    return [pid for (pid,) in world.ask(asked, database="postgres")][::2]


def _standby(world: World, undo: ExitStack) -> None:
    """Make Postgres a standby, as after a failover: it only reads, and recovers."""
    (world.sockets / "standby.signal").touch()
    os.kill(world.pid("postgres"), world.commands["postgres"].stop_signal)
    world.wait_for(lambda: world.ask("SELECT pg_is_in_recovery()", database="postgres")[0][0])
    undo.callback(world.ask, "SELECT pg_promote()", database="postgres")


def _full_database(world: World, undo: ExitStack) -> None:
    """Fill the disk of Postgres' data to its last byte; its log has a disk of its own."""
    undo.enter_context(filled(world.sockets))


def _full_log(world: World, undo: ExitStack) -> None:
    """Leave Postgres no room for its log: it panics, and cannot even recover."""
    undo.enter_context(filled(log_of(world)))
    piece = "SELECT pg_logical_emit_message(true, 'x', repeat(md5(random()::text), 32768))"
    with suppress(psycopg2.Error):
        for _ in range(_MOST_WAL):
            world.ask(piece, database="postgres")
        raise RuntimeError("there is room for the log all the same")


def _full_uploads(world: World, undo: ExitStack) -> None:
    undo.enter_context(filled(world.folder / "uploads"))


def log_of(world: World) -> Path:
    """Return the folder on the disk of Postgres' log."""
    return world.folder / "log"


def move_log(world: World) -> None:
    """Give Postgres' log a disk of its own, before the server starts."""
    there, own = world.sockets / "pg_wal", log_of(world) / "pg_wal"
    shutil.copytree(there, own)
    owner = there.stat()
    for path in (own, *own.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    own.chmod(0o700)
    shutil.rmtree(there)
    there.symlink_to(own)


def _tls(query: str) -> Break:
    """Put the whole service on a Redis that speaks TLS, whose address has this *query*."""

    def make(world: World, undo: ExitStack) -> None:
        tls = undo.enter_context(Tls.running(world))
        undo.callback(_restart_on, world, world.running.redis_url)
        _restart_on(world, tls.url + query.format(authority=tls.authority))

    return make


def _restart_on(world: World, redis_url: str) -> None:
    """Start the service's processes again with another address of Redis."""
    for name in ("api", "beat", *WORKERS):
        command = world.commands[name]
        given = {**command.environment, _REDIS: redis_url}
        world.commands[name] = replace(command, environment=given)
        _restart(world, name)
    world.wait_for(lambda: _lives(world))


def _restart(world: World, name: str) -> None:
    before = world.pid(name)
    with suppress(ProcessLookupError):
        os.kill(before, world.commands[name].stop_signal)
    world.wait_for(lambda: world.pid(name) != before)


def _lives(world: World) -> bool:
    with suppress(httpx2.TransportError):
        return httpx2.get(f"{world.url}/livez").is_success
    return False


_ACCEPTED, _AWAY = HTTPStatus.ACCEPTED, HTTPStatus.SERVICE_UNAVAILABLE
_FULL = HTTPStatus.INSUFFICIENT_STORAGE
_DONE = (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.SEE_OTHER)
_ANY_READY = (HTTPStatus.OK, _AWAY)
_ANY_CHECK = (HTTPStatus.OK, _AWAY)
_HANGS_S = 20.0
_REDIS_S = 1.5
"""Seconds of a submission without Redis: one for Redis, the rest for a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault of a server, and the answers that a forum may get meanwhile."""

    name: str
    make: Break
    submits: Sequence[int] = (HTTPStatus.ACCEPTED,)
    others: Sequence[int] = _DONE
    """Answers to a batch, an edit and a decision in the console."""
    uploads: Sequence[int] = (HTTPStatus.ACCEPTED,)
    checks: Sequence[int] = (HTTPStatus.OK,)
    ready: Sequence[int] = (HTTPStatus.OK,)
    goes_on: bool = True
    """Whether questions that are submitted during the fault are checked during the fault."""
    longest_s: float = 10.0


def _no_writes(name: str, make: Break) -> Case:
    return Case(
        name=name, make=make, submits=(_AWAY,), others=(_AWAY,), uploads=(_AWAY,),
        checks=_ANY_CHECK, ready=(_AWAY,), goes_on=False,
    )  # fmt: skip


def _no_room(name: str, make: Break) -> Case:
    """Return a case in which what fits into the room that is left is taken."""
    return Case(
        name=name, make=make, submits=(_AWAY, _FULL, _ACCEPTED), others=(*_DONE, _AWAY, _FULL),
        uploads=(_AWAY, _FULL), checks=_ANY_CHECK, ready=_ANY_READY, goes_on=False,
    )  # fmt: skip


def _no_messages(name: str, make: Break) -> Case:
    return Case(name=name, make=make, checks=(_AWAY,), ready=(_AWAY,), longest_s=_REDIS_S)


CASES = (
    Case(name="nothing", make=lambda _world, _undo: None),
    _no_writes("Postgres is set read-only", _fault("read-only database")),
    _no_writes("Postgres is a standby", _standby),
    Case(
        name="Postgres has no free connection", make=_fault("fill database"),
        submits=(_AWAY, _ACCEPTED), others=(*_DONE, _AWAY), uploads=(_AWAY, _ACCEPTED),
        checks=_ANY_CHECK, ready=_ANY_READY, goes_on=False,
    ),
    replace(_no_writes("Postgres hangs", _fault("pause postgres")), longest_s=_HANGS_S),
    Case(
        name="Postgres makes no new connections", make=_stop(lambda world: [world.pid("postgres")]),
        submits=(_AWAY, _ACCEPTED), others=(*_DONE, _AWAY), uploads=(_AWAY, _ACCEPTED),
        checks=_ANY_CHECK, ready=_ANY_READY, goes_on=False, longest_s=_HANGS_S,
    ),
    Case(
        name="half of Postgres' connections hang", make=_stop(_every_second_backend),
        submits=(_AWAY, _ACCEPTED), others=(*_DONE, _AWAY), uploads=(_AWAY, _ACCEPTED),
        checks=_ANY_CHECK, ready=_ANY_READY, goes_on=False, longest_s=_HANGS_S,
    ),
    Case(name="Postgres' connections are cut", make=_fault("cut database")),
    _no_room("Postgres' disk is full", _full_database),
    _no_room("Postgres has no room for its log", _full_log),
    Case(name="the disk of uploads is full", make=_full_uploads, uploads=(_FULL,)),
    _no_messages("Redis is read-only", _fault("read-only redis")),
    _no_messages("Redis is full", _fault("fill redis")),
    _no_messages("Redis hangs", _fault("pause redis")),
    Case(name="Redis is flushed", make=_fault("flush redis")),
    Case(name="Redis is killed", make=_fault("kill redis"), checks=_ANY_CHECK, ready=_ANY_READY),
    Case(name="beat hangs", make=_fault("pause beat")),
    Case(
        name="Redis speaks TLS, its authority is named", make=_tls("?ssl_ca_certs={authority}"),
        ready=_ANY_READY,
    ),
    _no_messages("Redis speaks TLS, nobody vouches for it", _tls("")),
    Case(
        name="Redis speaks TLS, and nothing is to be verified", make=_tls("?ssl_cert_reqs=none"),
        ready=_ANY_READY,
    ),
)  # fmt: skip
