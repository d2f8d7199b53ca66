"""Makes the faults of a plan, and ends those that last."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg2
import redis

from tests.faults.plan import Fault
from tests.faults.receiver import Receiver
from tests.faults.world import CONNECTIONS, DATABASE, World

Undo = Callable[[], object]
_BACKENDS = f"SELECT pid FROM pg_stat_activity WHERE datname = '{DATABASE}'"
_PROCESSES = frozenset({"api", "worker", "models", "beat", "redis", "postgres"})
_MAXMEMORY = ("CONFIG", "SET", "maxmemory")
_AWAY = (psycopg2.Error, redis.RedisError, OSError, psutil.Error)


@dataclass(slots=True)
class Breaker:
    """Makes faults. `tend` ends faults whose time is over."""

    world: World
    receiver: Receiver
    cut_clients: Callable[[], None]
    spares: float = 0.75
    """Share of the ends of processes that still start, and have done nothing, that are left out."""
    drawn: random.Random = field(default_factory=lambda: random.Random(1))
    _undo: list[tuple[float, Undo]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Resume suspended processes also while somebody waits for one of them."""
        self.world.meanwhile = self.tend

    def make(self, fault: Fault) -> bool:
        """Make a fault and return whether it had any effect."""
        verb, _, whom = fault.kind.partition(" ")
        name = fault.target or whom
        if verb in {"kill", "restart"} and whom in _PROCESSES and self._is_spared(whom, name):
            return False
        try:
            undo = self._make(verb, whom, name)
        except _AWAY:  # the process was down already
            return False
        if undo is not None:
            self.undo_later(fault.lasts_s, undo)
        return True

    def undo_later(self, after_s: float, undo: Undo) -> None:
        """Undo a fault after some seconds."""
        self._undo.append((time.monotonic() + after_s, undo))

    def _is_spared(self, whom: str, name: str) -> bool:
        pids = self.world.models_of(name) if whom == "models" else [self.world.pid(name)]
        has_grown = bool(pids) and all(map(self.world.has_grown, pids))
        return self.drawn.random() < self.spares and not has_grown

    def tend(self, *, at_once: bool = False) -> None:
        """End the faults whose time is over, or all.

        It may be called again before it returns: who waits for Postgres, also to take something
        back, may wait for a process that is stopped, and only this lets it go.
        """
        again = []
        while (one := self._due(at_once=at_once)) is not None:
            _, undo = one
            try:
                undo()
            except _AWAY:  # down just now: at its next start
                again.append(one)
        self._undo += again

    def _due(self, *, at_once: bool) -> tuple[float, Undo] | None:
        now = time.monotonic()
        for number, (until, _) in enumerate(self._undo):
            if at_once or until <= now:
                return self._undo.pop(number)
        return None

    @property
    def is_over(self) -> bool:
        """Return whether no fault lasts any more."""
        return not self._undo

    def _make(self, verb: str, whom: str, name: str) -> Undo | None:
        if verb in {"kill", "pause"}:
            return self._meet(verb, whom, name)
        if verb == "restart":
            return self._restart(name)
        return self._presses()[f"{verb} {whom}"]()

    def _meet(self, verb: str, whom: str, name: str) -> Undo | None:
        """Kill or pause processes."""
        chosen = {
            "models": lambda: self.world.models_of(name),
            "backend": lambda: self._backends()[:1],
            "backends": self._backends,
            "reader": self._readers,
        }
        pids = chosen.get(whom, lambda: self._family(name))()
        if verb == "pause":
            return self._pause(pids)
        self._to(pids, signal.SIGKILL)
        return None

    def _restart(self, name: str) -> Undo:
        # A Postgres that gets the signal to stop while it recovers from a crash may hang. A process
        # that does not end in time is killed, as the supervisor does.
        asked = psutil.Process(self.world.pid(name))
        asked.send_signal(self.world.commands[name].stop_signal)

        def end() -> None:
            if asked.is_running() and asked.pid == self.world.pid(name):
                self._to(self._family(name), signal.SIGKILL)

        return end

    def _presses(self) -> dict[str, Callable[[], Undo | None]]:
        """Return what takes something away from processes that live on."""
        return {
            "cut clients": self.cut_clients,
            "cut database": self._end_connections,
            "cut redis": lambda: self._tell_redis("CLIENT", "KILL", "TYPE", "normal"),
            "flush redis": lambda: self._tell_redis("FLUSHALL"),
            "fill redis": lambda: self._tell_redis(*_MAXMEMORY, "1", undo=(*_MAXMEMORY, "0")),
            "read-only redis": lambda: self._tell_redis(
                "REPLICAOF", "127.0.0.1", "1", undo=("REPLICAOF", "NO", "ONE")
            ),
            "refuse webhooks": self._refuse,
            "fill disk": self._fill_disk,
            "fill database": self._take_connections,
            "read-only database": self._make_read_only,
        }

    def _tell_redis(self, *words: str, undo: Sequence[str] = ()) -> Undo | None:
        tell: Callable[..., object] = self.world.redis.execute_command
        tell(*words)
        return (lambda: tell(*undo)) if undo else None

    def _refuse(self) -> Undo:
        self.receiver.refuses = True
        return lambda: setattr(self.receiver, "refuses", False)

    def _family(self, name: str) -> list[int]:
        process = psutil.Process(self.world.pid(name))
        return [process.pid, *(child.pid for child in process.children(recursive=True))]

    def _backends(self) -> list[int]:
        found = [row[0] for row in self.world.ask(_BACKENDS, database="postgres")]
        self.drawn.shuffle(found)
        return found

    def _readers(self) -> list[int]:
        children = psutil.Process(self.world.pid("api")).children()
        return [one.pid for one in children if any("load_process" in w for w in one.cmdline())]

    def _to(self, pids: Sequence[int], number: signal.Signals) -> None:
        if not pids:
            raise ProcessLookupError
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pause(self, pids: Sequence[int]) -> Undo:
        self._to(pids, signal.SIGSTOP)

        def go_on() -> None:
            with suppress(ProcessLookupError):
                self._to(pids, signal.SIGCONT)

        return go_on

    def _fill_disk(self) -> Undo:
        api = psutil.Process(self.world.pid("api"))
        api.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))

        def empty() -> None:
            with suppress(psutil.NoSuchProcess):
                api.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

        return empty

    def _take_connections(self) -> Undo:
        taken: list[psycopg2.extensions.connection] = []
        with suppress(psycopg2.OperationalError):
            for _ in range(CONNECTIONS):
                taken.append(self.world.connect("postgres"))  # noqa: PERF401

        def give_back() -> None:
            while taken:
                with suppress(psycopg2.Error):
                    taken.pop().close()

        return give_back

    def _make_read_only(self) -> Undo:
        change = f"ALTER DATABASE {DATABASE}"
        ask = self.world.ask
        ask(f"{change} SET default_transaction_read_only = on", database="postgres")
        with suppress(*_AWAY):
            self._end_connections()
        return lambda: ask(f"{change} RESET default_transaction_read_only", database="postgres")

    def _end_connections(self) -> None:
        end = f"SELECT pg_terminate_backend(pid) FROM ({_BACKENDS}) AS b"
        self.world.ask(end, database="postgres")
