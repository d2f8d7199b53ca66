"""``python -m tests.faults.fuzz``: hostile requests to every route; none may be a 500.

The real application on a real Postgres, with a key for everything and signed in as an admin. The
status is 1 if an answer is a server's error other than the deliberate ones.
"""

import argparse
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice

import httpx2
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from cli.running.service import running_servers
from db.tenants import people
from db.tenants.people import Role
from db.tenants.rows import ForumRow
from tests.faults.hostile import Hostile, Maker
from tests.integration.api.http.test_texts import ENDLESS, routes
from tests.rows.review import PASSWORD, flag, make_person, seed_questions
from tests.servers.api_service import NotingQueue, make_key, make_settings
from worker.queue import CheckAnswer

Factory = sessionmaker[Session]
DELIBERATE = frozenset({503, 507})
_SELDOM = 0.03
"""Share of the requests that are really sent, of those that cost a process or the session."""
_FRESH_EVERY = 250
_TOLD_EVERY_S = 10.0
_TITLES = ("How do I boil an egg", "Boiling an egg", "Best train to Rome", "Trains to Rome")


@dataclass(slots=True)
class Fuzzed:
    """How many answers had which status, and the requests that had a server's error."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: Hostile, status: int) -> None:
        """Count an answer."""
        with self.lock:
            self.statuses[status] += 1
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in DELIBERATE:
                self.failed.append(f"{status} {request}")


def fuzz(
    sessions: Factory,
    seed: int,
    count: int,
    *,
    threads: int = 1,
    say: Callable[[str], object] = lambda _: None,
) -> Fuzzed:
    """Send *count* requests from several clients at once and return what came of them."""
    with sessions.begin() as session:
        seeded = seed_questions(session, *_TITLES)
        for one, other in ((0, 1), (2, 3), (1, 2)):
            flag(session, seeded, one, other)
    fuzzed = Fuzzed()
    queue = NotingQueue()
    queue.answer = CheckAnswer(threshold=0.5, bi_encoder="b", reranker="r")
    app = create_app(make_settings(wait_limit_s=0), sessions, queue)
    app.openapi()  # the application keeps it; creating it takes a second
    attackers = [Attacker(app, sessions, seeded.forum, seed + n) for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(one.run, count, fuzzed) for one in attackers]
        while wait(running, timeout=_TOLD_EVERY_S).not_done:
            failed = fuzzed.failed[-1:]
            say(f"{fuzzed.statuses.total():7,} requests, {len(fuzzed.failed)} failed {failed}")
        for attack in running:
            attack.result()
    return fuzzed


class Attacker:
    """Sends hostile requests. When they remove its key or person, it creates them again."""

    def __init__(self, app: FastAPI, sessions: Factory, forum: ForumRow, seed: int) -> None:
        self._app = app
        self._sessions = sessions
        self._forum = forum
        self._drawn = random.Random(seed)
        self._name = f"ana{seed}"
        self._routes = [
            (route, method)
            for route in routes()
            for method in sorted(route.methods or ())
            if (route.path, method) != (ENDLESS, "GET")
        ]

    def run(self, count: int, fuzzed: Fuzzed) -> None:
        """Send requests until all attackers together have sent *count*."""
        requests = self._requests(Maker(self._app.openapi(), self._drawn))
        with TestClient(self._app, raise_server_exceptions=False) as client:
            while fuzzed.statuses.total() < count:
                self._sign_in(client, f"{self._name}-{fuzzed.statuses.total()}")
                for request in islice(requests, min(_FRESH_EVERY, count)):
                    self._send(client, request, fuzzed)

    def _requests(self, maker: Maker) -> Iterator[Hostile]:
        while True:
            route, method = self._drawn.choice(self._routes)
            if not _is_seldom(route, method) or self._drawn.random() < _SELDOM:
                yield maker.request(route, method)

    def _send(self, client: TestClient, request: Hostile, fuzzed: Fuzzed) -> None:
        own = {name.lower().encode(): value.encode() for name, value in client.headers.items()}
        headers = list({**own, **request.headers}.items())
        try:
            answer = client.build_request(
                request.method, request.path, headers=headers, content=request.content
            )
            status = client.send(answer, follow_redirects=False).status_code
        except (httpx2.InvalidURL, httpx2.LocalProtocolError, UnicodeError):
            return  # nothing that a client can send
        fuzzed.note(request, status)

    def _sign_in(self, client: TestClient, name: str) -> None:
        """Give the client a new key, and sign it in as a new admin."""
        with self._sessions.begin() as session:
            make_person(session, self._forum, name, Role.ADMIN)
        client.cookies.clear()
        key = make_key(self._sessions, "cooks", scopes=("submit", "review", "admin"))
        client.headers["Authorization"] = f"Bearer {key}"
        html = {"Accept": "text/html"}
        client.post("/console/sign-in", data={"name": name, "secret": PASSWORD}, headers=html)
        page = client.get("/console/cooks/review", headers=html).text
        client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]


def _is_seldom(route: APIRoute, method: str) -> bool:
    return method == "POST" and route.path.endswith(("/archives", "/sign-out"))


def main() -> int:
    """Send many requests and print their statuses."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    people._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # noqa: SLF001
    with running_servers() as servers:
        fuzzed = fuzz(
            servers.sessions, given.seed, given.requests, threads=given.threads, say=print
        )
    for status, count in sorted(fuzzed.statuses.items()):
        print(f"{status} {count:8,}")
    print("\n".join(fuzzed.failed[:50]))
    print(f"seed {given.seed}: {len(fuzzed.failed)} of {fuzzed.statuses.total():,} failed")
    return 1 if fuzzed.failed else 0


if __name__ == "__main__":
    sys.exit(main())
