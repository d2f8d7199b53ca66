"""One campaign: load, faults, the wait until all work is done, and the comparison."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg2

from cli.running.service import WaitedTooLongError
from db.outbox import webhooks
from db.tenants import forums, keys
from tests.faults import plan
from tests.faults.breaking import Breaker
from tests.faults.compare import TOLD, Differences, compare
from tests.faults.ledger import Ledger
from tests.faults.load import Crowd, Moderator, Texts, Uploader, Writer
from tests.faults.plan import Fault
from tests.faults.receiver import Receiver, receiving
from tests.faults.world import World

FORUMS = ("alpha", "beta")
_CALM_S = 240.0
_TOLD_EVERY_S = 15.0
_SLOW_S = 3.0
_SHOWN = 20

Say = Callable[[str], object]


@dataclass(slots=True)
class Report:
    """The result of a campaign."""

    ledger: Ledger
    made: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    calm_s: float = 0.0
    deaths: int = 0
    repeated: int = 0
    differences: Differences = field(default_factory=Differences)
    told: int = 0
    """Number of unexpected answers that were printed already."""

    @property
    def is_clean(self) -> bool:
        """Return whether nothing differs and there was no unexpected answer."""
        return self.differences.are_none and not self.ledger.unexpected

    def lines(self) -> list[str]:
        """Return the table."""
        ledger = self.ledger
        counts = {**ledger.counts, "questions": len(ledger.questions)}
        answered = ", ".join(f"{code}: {n:,}" for code, n in sorted(ledger.answers.items()))
        return [
            f"faults         {self.made.total():6,}  ({self.missed} more met nobody)",
            *(f"    {kind:22} {count:5,}" for kind, count in sorted(self.made.items())),
            f"deaths         {self.deaths:6,}",
            *(f"{what:14} {count:6,}" for what, count in sorted(counts.items())),
            f"answers        {answered}",
            f"calm after     {self.calm_s:6.0f} s",
            f"messages that arrived more than once, with the same id: {self.repeated:,}",
            "differences:",
            *self.differences.lines(),
            f"{'unexpected':14} {len(ledger.unexpected):6,}",
            *(f"    {one}" for one in ledger.unexpected[:_SHOWN]),
        ]


def run(
    world: World,
    faults: Iterable[Fault],
    *,
    seed: int,
    lasts_s: float,
    uploads: bool = True,
    log: Path | None = None,
    say: Say = print,
) -> Report:
    """Make the *faults* for as long as it *lasts_s*, and return what came of it.

    Without *uploads* no worker loads the code for archives, which takes seconds.
    """
    ledger = Ledger()
    report = Report(ledger)
    with receiving() as receiver:
        crowd = Crowd(_clients(world, receiver, ledger, seed, uploads=uploads))
        breaker = Breaker(world, receiver, crowd.hang_up, drawn=random.Random(seed))
        crowd.start()
        try:
            for fault in _in_time(faults, lasts_s, lambda: _tend(world, breaker)):
                begun = time.monotonic()
                met = breaker.make(fault)
                _tell_slow(f"making the fault {fault}", begun, say)
                report.made[fault.kind] += int(met)
                report.missed += int(not met)
                if log is not None:
                    plan.write(log, fault)
                _tell(report, say)
        finally:
            breaker.tend(at_once=True)
            crowd.stop(lambda: _tend(world, breaker))
        report.calm_s = _calm(world, breaker, ledger, say)
        report.deaths = world.deaths
        report.repeated = sum(count > 1 for count in receiver.taken.values())
        with world.sessions.begin() as session:
            report.differences = compare(session, ledger, receiver)
    return report


def _clients(
    world: World, receiver: Receiver, ledger: Ledger, seed: int, *, uploads: bool
) -> list[Writer | Moderator]:
    clients: list[Writer | Moderator] = []
    for forum in FORUMS:
        texts, still = Texts(seed, forum), Texts(seed, f"old{forum}")
        with world.sessions.begin() as session:
            row = forums.ensure_forum(session, forum)
            scopes = ("submit", "review", "admin")
            key = keys.create_key(session, name=forum, forum_ids=[row.id], scopes=scopes)
            webhooks.create(session, row.id, url=receiver.url, kinds=TOLD)
        kinds: list[type[Writer | Moderator]] = [Writer, Writer, Moderator]
        kinds += [Uploader] if uploads else []
        for number, kind in enumerate(kinds):
            name = f"{kind.__name__.lower()}-{forum}-{number}"
            drawn = random.Random(f"{seed} {name}")
            clients.append(kind(world.url, key, forum, name, ledger, texts, still, drawn))
    return clients


def _in_time(
    faults: Iterable[Fault], lasts_s: float, meanwhile: Callable[[], object]
) -> Iterator[Fault]:
    end = time.monotonic() + lasts_s
    due = time.monotonic()
    for fault in faults:
        due = max(due + fault.after_s, time.monotonic())
        while time.monotonic() < min(due, end):
            meanwhile()
            time.sleep(0.05)
        if time.monotonic() >= end:
            return
        yield fault


def _tend(world: World, breaker: Breaker) -> None:
    begun = time.monotonic()
    world.tend()
    breaker.tend()
    _tell_slow("starting what had ended, or taking a fault back,", begun, print)


def _tell(report: Report, say: Say, told: list[float] = [0.0]) -> None:  # noqa: B006
    if time.monotonic() - told[0] > _TOLD_EVERY_S:
        told[0] = time.monotonic()
        ledger = report.ledger
        say(
            f"{report.made.total():5,} faults, {ledger.counts['submissions']:6,} submissions,"
            f" {ledger.counts['archives']:4,} archives, {ledger.counts['decisions']:5,} decisions,"
            f" {len(ledger.unexpected)} unexpected"
        )
        for one in ledger.unexpected[report.told : report.told + _SHOWN]:
            say(f"unexpected: {one}")
        report.told = len(ledger.unexpected)


def _tell_slow(what: str, begun: float, say: Say) -> None:
    took_s = time.monotonic() - begun
    if took_s > _SLOW_S:
        say(f"{what} took {took_s:.0f} s")


def _calm(world: World, breaker: Breaker, ledger: Ledger, say: Say) -> float:
    """Wait until all work is done, and return how long that took."""
    say("the faults are over: waiting until all work is done")
    begun = time.monotonic()
    try:
        world.wait_for(lambda: not _unrest(world, breaker), timeout_s=_CALM_S)
    except WaitedTooLongError:
        ledger.complain(f"after {_CALM_S:g} s of calm: {_unrest(world, breaker)}")
    return time.monotonic() - begun


_LEFT = """
    SELECT (SELECT count(*) FROM jobs WHERE failed_at IS NULL)
        + (SELECT count(*) FROM archives WHERE state = 'running')
        + (SELECT count(*) FROM webhook_deliveries
           WHERE delivered_at IS NULL AND given_up_at IS NULL)
"""
# What a killed process held, or what waits after a refusal, is due later: minutes pass at once.
_LATER = """
    UPDATE webhook_deliveries SET due_at = now() - interval '1 s'
    WHERE delivered_at IS NULL AND due_at > now() + interval '15 s';
    UPDATE archives SET attended_at = now() - interval '2 min'
    WHERE state = 'running' AND stage = 'load' AND attended_at < now() - interval '15 s'
"""


def _unrest(world: World, breaker: Breaker) -> str:
    """Return which work is not done yet, or an empty text."""
    breaker.tend()
    if not breaker.is_over:
        return "a fault is not taken back"
    try:
        world.ask(_LATER)
        left = world.ask(_LEFT)[0][0]
    except psycopg2.Error as error:
        return f"Postgres: {error}"
    if left:
        return f"{left} jobs, archives or deliveries wait"
    try:
        told = httpx2.get(f"{world.url}/readyz", timeout=10)
    except httpx2.TransportError as error:
        return f"the API: {type(error).__name__}"
    return "" if told.status_code == httpx2.codes.OK else f"not ready: {told.text}"
