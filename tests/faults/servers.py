"""``python -m tests.faults.servers``: breaks Postgres and Redis, and shows what a forum notices.

Postgres, Redis, API, workers and beat are real. One after the other the servers become read-only,
fill up, hang, are emptied or crash. Meanwhile questions, a batch, an edit and a file are sent as a
forum sends them, and a moderator decides in the console. Prints a table. The exit status is 1 if an
answer is wrong, or something is lost or only partly stored.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

import httpx2

from tests.faults import tls
from tests.faults.cases import CASES, Case, move_log
from tests.faults.visitor import Visitor
from tests.faults.world import World, running_world
from tests.servers.disks import small_disk

_SUBMISSIONS, _PAIRS, _CHECKS = 5, 60, 4
_MEANWHILE_S, _AFTER_S = 60.0, 180.0
_DATA_DISK, _LOG_DISK, _UPLOADS_DISK = "512m", "192m", "3m"
_SMALL_LOG = ("max_wal_size=64MB", "min_wal_size=32MB")


@dataclass(slots=True)
class Seen:
    """The answers to a forum during a fault and after it."""

    submits: Counter[int] = field(default_factory=Counter)
    others: Counter[int] = field(default_factory=Counter)
    uploads: Counter[int] = field(default_factory=Counter)
    checks: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0
    ready: int = 0
    told: str = ""
    untold: list[str] = field(default_factory=list)
    """Refusals without ``Retry-After``."""
    done_s: float | None = None
    """Seconds until a question that was sent during the fault was checked during it."""
    well_s: float | None = None
    """Seconds after the fault until everything was accepted, checked and ready again."""
    lost: list[str] = field(default_factory=list)
    """Differences to what was accepted, and changes that were stored only partly."""

    def note(self, statuses: Counter[int], answer: httpx2.Response, took_s: float = 0.0) -> None:
        """Count an answer."""
        statuses[answer.status_code] += 1
        self.longest_s = max(self.longest_s, took_s)
        if answer.is_error and not int(answer.headers.get("retry-after", 0)):
            self.untold.append(f"{answer.status_code} without Retry-After: {answer.text[:300]}")

    def faults(self, case: Case) -> list[str]:
        """Return the faults of the service in this case."""
        wrong = {
            f"submissions: {dict(self.submits)}": set(self.submits) <= set(case.submits),
            f"other writes: {dict(self.others)}": set(self.others) <= set(case.others),
            f"uploads: {dict(self.uploads)}": set(self.uploads) <= set(case.uploads),
            f"checks: {dict(self.checks)}": set(self.checks) <= set(case.checks),
            f"/readyz: {self.ready}": self.ready in case.ready,
            f"a submission took {self.longest_s:.1f} s": self.longest_s <= case.longest_s,
            "not done meanwhile": self.done_s is not None or not case.goes_on,
            "not well after it": self.well_s is not None,
        }
        return [about for about, is_well in wrong.items() if not is_well] + self.untold + self.lost


def live_through(world: World, visitor: Visitor, case: Case) -> Seen:
    """Make the fault, write in every way, repair it, and return the answers."""
    seen = Seen()
    old, _ = visitor.submit()
    pairs = visitor.twins(_PAIRS)
    visitor.sign_in()
    with ExitStack() as undo:
        case.make(world, undo)
        sent = []
        for _ in range(_SUBMISSIONS):
            name, (answer, took_s) = visitor.submit()
            seen.note(seen.submits, answer, took_s)
            sent += [name] if answer.is_success else []
            world.tend()
            time.sleep(0.5)
        for answer, _ in (visitor.send_many(), visitor.edit(old), visitor.decide(pairs)):
            seen.note(seen.others, answer)
            world.tend()
        seen.note(seen.uploads, visitor.upload())
        seen.note(seen.checks, _checked(visitor, case))
        seen.ready, seen.told = visitor.ready()
        if case.goes_on and sent:
            seen.done_s = visitor.wait_for(lambda: visitor.is_done(sent[-1]), _MEANWHILE_S)
    files = set(seen.uploads) != {HTTPStatus.ACCEPTED}  # those that were refused are taken again
    seen.well_s = visitor.wait_for(partial(visitor.takes_everything, files=files), _AFTER_S)
    if seen.well_s is not None:
        seen.lost = visitor.what_is_wrong()
    return seen


def _checked(visitor: Visitor, case: Case) -> httpx2.Response:
    """Return the answer to a check; on a busy machine a worker may be too late for the first."""
    for _ in range(_CHECKS - 1):
        answer = visitor.check()
        if answer.status_code in case.checks:
            return answer
    return visitor.check()


def tour(folder: Path, cases: Sequence[Case], say: Callable[[str], object]) -> int:
    """Run the *cases* and return the number of those with a fault."""
    wrong = 0
    with (
        small_disk(folder / "disk", _DATA_DISK),
        small_disk(folder / "log", _LOG_DISK),
        small_disk(folder / "uploads", _UPLOADS_DISK),
        running_world(
            folder, folder / "disk" / "postgres", before_postgres=move_log, options=_SMALL_LOG
        ) as world,
    ):
        visitor = Visitor(world)
        visitor.wait_for(partial(visitor.takes_everything, files=False), _AFTER_S)
        say(f"TLS is spoken by {'Redis itself' if tls.program() else 'a proxy before Redis'}.\n")
        for line in _HEAD:
            say(line)
        for case in cases:
            seen = live_through(world, visitor, case)
            faults = seen.faults(case)
            wrong += bool(faults)
            say(_row(case, seen))
            for fault in faults:
                say(f"  !! {case.name}: {fault}")
    return wrong


_COLUMNS = (
    "what happens", "submissions", "longest", "other writes", "file", "check", "readyz",
    "done meanwhile", "well after",
)  # fmt: skip
_HEAD = (f"| {' | '.join(_COLUMNS)} |", f"{'| --- ' * len(_COLUMNS)}|")


def _row(case: Case, seen: Seen) -> str:
    def told(statuses: Counter[int]) -> str:
        return ", ".join(f"{count} x {code}" for code, count in sorted(statuses.items()))

    ready = f"{seen.ready}: {seen.told}" if seen.told else str(seen.ready)
    done = "-" if seen.done_s is None else f"{seen.done_s:.1f} s"
    well = "never" if seen.well_s is None else f"{seen.well_s:.1f} s"
    return (
        f"| {case.name} | {told(seen.submits)} | {seen.longest_s:.2f} s | {told(seen.others)}"
        f" | {told(seen.uploads)} | {told(seen.checks)} | {ready} | {done} | {well} |"
    )


def main() -> None:
    """Run all cases, or those whose names contain a text."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.servers", description=__doc__)
    parser.add_argument("--only", default="", help="part of the names of the cases")
    given = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("only root may mount the small disks")
    for number in (signal.SIGINT, signal.SIGTERM):  # in the background SIGINT is ignored
        signal.signal(number, signal.default_int_handler)
    cases = [case for case in CASES if given.only in case.name]
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        sys.exit(bool(tour(Path(folder), cases, lambda line: print(line, flush=True))))


if __name__ == "__main__":
    main()
