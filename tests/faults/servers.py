"""``python -m tests.faults.servers``: what the servers behind may do, and what a forum notices.

A real Postgres and Redis, the real API, workers and beat. One after the other the servers turn
read-only, fill up, hang, are emptied or die. Meanwhile questions and a file are sent as a forum
sends them. Prints a table; the status is 1 if anything is other than it must be.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

import httpx2

from cli.running.service import WaitedTooLongError, wait_until
from db.tenants import forums, keys
from tests.faults.breaking import Breaker
from tests.faults.plan import Fault
from tests.faults.receiver import Receiver
from tests.faults.world import World, running_world

FORUM = "alpha"
_LONG_S = 1e6
_SUBMISSIONS = 5
_MEANWHILE_S, _AFTER_S = 60.0, 180.0
_DISK, _FEW = "512m", "3m"
_ROWS = 200
_BODY = "It has been like this since Monday. " * 500

Break = Callable[[World, ExitStack], None]


def _fault(kind: str) -> Break:
    """Return what makes a fault of the campaign, which lasts until it is taken back."""

    def make(world: World, undo: ExitStack) -> None:
        breaker = Breaker(world, Receiver(), lambda: None, spares=0.0)
        if not breaker.make(Fault(after_s=0.0, kind=kind, lasts_s=_LONG_S)):
            raise RuntimeError(f"{kind}: it met nobody")
        undo.callback(breaker.tend, at_once=True)

    return make


def _standby(world: World, undo: ExitStack) -> None:
    """Make Postgres a standby, as the one that a failover left behind: it reads, and recovers."""
    (world.sockets / "standby.signal").touch()
    os.kill(world.pid("postgres"), world.commands["postgres"].stop_signal)
    world.wait_for(lambda: world.ask("SELECT pg_is_in_recovery()", database="postgres")[0][0])
    undo.callback(world.ask, "SELECT pg_promote()", database="postgres")


def _full_database(world: World, undo: ExitStack) -> None:
    """Fill the disk of Postgres to its last byte."""
    _fill(world.sockets / "ballast", undo)


def _full_uploads(world: World, undo: ExitStack) -> None:
    _fill(world.folder / "uploads" / "ballast", undo)


def _fill(ballast: Path, undo: ExitStack) -> None:
    undo.callback(ballast.unlink)
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What happens to a server, and what a forum may be answered meanwhile."""

    name: str
    make: Break
    submits: Sequence[int] = (HTTPStatus.ACCEPTED,)
    uploads: Sequence[int] = (HTTPStatus.ACCEPTED,)
    ready: Sequence[int] = (HTTPStatus.OK,)
    goes_on: bool = True
    """Whether what is submitted meanwhile is done meanwhile."""
    longest_s: float = 10.0


_AWAY, _NOT_READY = (HTTPStatus.SERVICE_UNAVAILABLE,), (HTTPStatus.SERVICE_UNAVAILABLE,)
_ANY_READY = (HTTPStatus.OK, *_NOT_READY)
_REDIS_S = 1.5
"""A second for Redis, and what the rest of a submission takes on a busy machine."""
CASES = (
    Case(name="nothing", make=lambda _world, _undo: None),
    Case(
        name="Postgres is set read-only", make=_fault("read-only database"),
        submits=_AWAY, uploads=_AWAY, ready=_NOT_READY, goes_on=False,
    ),
    Case(
        name="Postgres is a standby", make=_standby,
        submits=_AWAY, uploads=_AWAY, ready=_NOT_READY, goes_on=False,
    ),
    Case(
        name="Postgres has no free connection", make=_fault("fill database"),
        submits=(*_AWAY, HTTPStatus.ACCEPTED), uploads=(*_AWAY, HTTPStatus.ACCEPTED),
        ready=_ANY_READY, goes_on=False,
    ),
    Case(name="Postgres' connections are cut", make=_fault("cut database")),
    Case(
        name="Postgres' disk is full", make=_full_database,
        submits=(*_AWAY, HTTPStatus.INSUFFICIENT_STORAGE, HTTPStatus.ACCEPTED),
        uploads=(*_AWAY, HTTPStatus.INSUFFICIENT_STORAGE), ready=_ANY_READY, goes_on=False,
    ),
    Case(
        name="the disk of uploads is full", make=_full_uploads,
        uploads=(HTTPStatus.INSUFFICIENT_STORAGE,),
    ),
    Case(
        name="Redis is read-only", make=_fault("read-only redis"), ready=_NOT_READY,
        longest_s=_REDIS_S,
    ),
    Case(name="Redis is full", make=_fault("fill redis"), ready=_NOT_READY, longest_s=_REDIS_S),
    Case(name="Redis hangs", make=_fault("pause redis"), ready=_NOT_READY, longest_s=_REDIS_S),
    Case(name="Redis is flushed", make=_fault("flush redis")),
    Case(name="Redis is killed", make=_fault("kill redis"), ready=_ANY_READY),
    Case(name="beat hangs", make=_fault("pause beat")),
)  # fmt: skip


@dataclass(slots=True)
class Seen:
    """What a forum was answered while something was broken, and after it."""

    submits: Counter[int] = field(default_factory=Counter)
    uploads: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0
    ready: int = 0
    told: str = ""
    is_told_when: bool = True
    """Whether every refusal said when to try again."""
    done_s: float | None = None
    """Seconds until a question that was sent meanwhile was done, also meanwhile."""
    well_s: float | None = None
    """Seconds after the end until everything was taken, done and ready again."""

    def faults(self, case: Case) -> list[str]:
        """Return what must not be."""
        wrong = {
            f"submissions: {dict(self.submits)}": set(self.submits) <= set(case.submits),
            f"uploads: {dict(self.uploads)}": set(self.uploads) <= set(case.uploads),
            f"/readyz: {self.ready}": self.ready in case.ready,
            f"a submission took {self.longest_s:.1f} s": self.longest_s <= case.longest_s,
            "a refusal without Retry-After": self.is_told_when,
            "not done meanwhile": self.done_s is not None or not case.goes_on,
            "not well after it": self.well_s is not None,
        }
        return [about for about, is_well in wrong.items() if not is_well]


class Visitor:
    """A forum's backend."""

    def __init__(self, world: World) -> None:
        with world.sessions.begin() as session:
            row = forums.ensure_forum(session, FORUM)
            key = keys.create_key(session, name=FORUM, forum_ids=[row.id], scopes=["submit"])
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(base_url=world.url, headers=headers, timeout=300)
        self._world, self._count = world, 0

    def submit(self) -> tuple[str, httpx2.Response, float]:
        """Send a question and return its id, the answer, and how many seconds that took."""
        self._count += 1
        name = f"q{self._count}"
        body = {"title": f"How do I repair part {self._count} of my bicycle?", "body": _BODY}
        begun = time.perf_counter()
        answer = self._http.put(f"/v1/forums/{FORUM}/questions/{name}", json=body)
        return name, answer, time.perf_counter() - begun

    def upload(self) -> httpx2.Response:
        """Send a file of questions."""
        self._count += 1
        rows = (f"{self._count}-{n},How do I paint wall {n}?\n" for n in range(_ROWS))
        data = "id,title\n" + "".join(rows)
        return self._http.post(f"/v1/forums/{FORUM}/archives", content=data.encode())

    def is_done(self, name: str) -> bool:
        """Return whether a question has been looked at."""
        answer = self._http.get(f"/v1/forums/{FORUM}/questions/{name}")
        return answer.is_success and answer.json()["state"] == "done"

    def ready(self) -> tuple[int, str]:
        """Return the status of ``/readyz`` and what it says is wrong."""
        answer = self._http.get("/readyz")
        checks = answer.json()["checks"].items()
        wrong = (f"{name}: {one['detail']}" for name, one in checks if not one["ok"])
        return answer.status_code, "; ".join(wrong)

    def seconds_until(self, what: Callable[[], bool], timeout_s: float) -> float | None:
        """Return how long it took until *what* was true; None if it never was."""

        def is_so() -> bool:
            self._world.tend()
            with suppress(httpx2.TransportError):
                return what()
            return False

        begun = time.perf_counter()
        with suppress(WaitedTooLongError):
            wait_until(is_so, timeout_s=timeout_s, pause_s=0.1)
            return time.perf_counter() - begun
        return None

    def takes_everything(self, *, files: bool) -> bool:
        """Return whether a question is taken and done, the service ready, and a file taken."""
        name, answer, _ = self.submit()
        if not answer.is_success or (files and not self.upload().is_success):
            return False
        wait_until(lambda: self.is_done(name), timeout_s=_MEANWHILE_S, pause_s=0.1)
        return self.ready()[0] == HTTPStatus.OK


def live_through(world: World, visitor: Visitor, case: Case) -> Seen:
    """Break something, send questions and a file, repair it, and return what was seen."""
    seen = Seen()
    with ExitStack() as undo:
        case.make(world, undo)
        sent = []
        for _ in range(_SUBMISSIONS):
            name, answer, took_s = visitor.submit()
            seen.longest_s = max(seen.longest_s, took_s)
            _note(seen, seen.submits, answer)
            sent += [name] if answer.is_success else []
            world.tend()
            time.sleep(0.5)
        _note(seen, seen.uploads, visitor.upload())
        seen.ready, seen.told = visitor.ready()
        if case.goes_on and sent:
            seen.done_s = visitor.seconds_until(lambda: visitor.is_done(sent[-1]), _MEANWHILE_S)
    files = set(seen.uploads) != {HTTPStatus.ACCEPTED}  # those that were refused are taken again
    is_well = partial(visitor.takes_everything, files=files)
    seen.well_s = visitor.seconds_until(is_well, _AFTER_S)
    return seen


def _note(seen: Seen, statuses: Counter[int], answer: httpx2.Response) -> None:
    statuses[answer.status_code] += 1
    if answer.is_error:
        seen.is_told_when &= int(answer.headers.get("retry-after", 0)) > 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a disk of its own at *folder*; only root may."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def tour(folder: Path, cases: Sequence[Case], say: Callable[[str], object]) -> int:
    """Live through *cases* and return how many were other than they must be."""
    wrong = 0
    with (
        small_disk(folder / "disk", _DISK),
        small_disk(folder / "uploads", _FEW),
        running_world(folder, folder / "disk" / "postgres") as world,
    ):
        visitor = Visitor(world)
        visitor.seconds_until(partial(visitor.takes_everything, files=False), _AFTER_S)
        say(
            "| what happens | submissions | longest | file | readyz | done meanwhile | well after |"
        )
        say("| --- | --- | --- | --- | --- | --- | --- |")
        for case in cases:
            seen = live_through(world, visitor, case)
            faults = seen.faults(case)
            wrong += bool(faults)
            say(_row(case, seen))
            for fault in faults:
                say(f"  !! {case.name}: {fault}")
    return wrong


def _row(case: Case, seen: Seen) -> str:
    def told(statuses: Counter[int]) -> str:
        return ", ".join(f"{count} x {code}" for code, count in sorted(statuses.items()))

    ready = f"{seen.ready}: {seen.told}" if seen.told else str(seen.ready)
    done = "-" if seen.done_s is None else f"{seen.done_s:.1f} s"
    well = "never" if seen.well_s is None else f"{seen.well_s:.1f} s"
    return (
        f"| {case.name} | {told(seen.submits)} | {seen.longest_s:.2f} s | {told(seen.uploads)}"
        f" | {ready} | {done} | {well} |"
    )


def main() -> None:
    """Live through all cases, or those whose names hold a text."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.servers", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of the cases")
    given = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("only root may mount the small disks")
    cases = [case for case in CASES if given.only in case.name]
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        sys.exit(bool(tour(Path(folder), cases, lambda line: print(line, flush=True))))


if __name__ == "__main__":
    main()
