"""``python -m tests.faults.fuzz``: hostile requests to every route; none may be a 500.

The real application on a real Postgres, with a key for everything and signed in as an admin. The
status is 1 if an answer is a server's error other than the deliberate ones.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import httpx2
from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from cli.running.service import running_servers
from db.tenants import people
from db.tenants.people import Role
from tests.api_service import NotingQueue, make_client, make_key
from tests.faults.hostile import Hostile, Maker
from tests.integration.api.http.test_texts import ENDLESS, routes
from tests.review import PASSWORD, flag, make_person, seed_questions
from worker.queue import CheckAnswer

Factory = sessionmaker[Session]
DELIBERATE = frozenset({503, 507})
_SELDOM = 0.03
"""Share of the requests that are really sent, of those that cost a process or the session."""
_FRESH_EVERY = 250
_TITLES = ("How do I boil an egg", "Boiling an egg", "Best train to Rome", "Trains to Rome")


@dataclass(slots=True)
class Fuzzed:
    """How many answers had which status, and the requests that had a server's error."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


class Attacker:
    """Sends hostile requests; what they break in its own rights is made anew now and then."""

    def __init__(self, sessions: Factory, seed: int) -> None:
        self._sessions = sessions
        self._drawn = random.Random(seed)
        self._routes = [
            (route, method)
            for route in routes()
            for method in sorted(route.methods or ())
            if (route.path, method) != (ENDLESS, "GET")
        ]
        self._round = 0
        self._document: Mapping[str, Any] | None = None

    def run(self, count: int, say: Callable[[str], object] = lambda _: None) -> Fuzzed:
        """Send *count* requests and return what came of them."""
        fuzzed = Fuzzed()
        told = time.monotonic()
        while fuzzed.statuses.total() < count:
            left = min(_FRESH_EVERY, count - fuzzed.statuses.total())
            with self._client() as client:
                if self._document is None:
                    self._document = client.app.openapi()  # type: ignore[attr-defined]
                maker = Maker(self._document, self._drawn)
                for request in islice(self._requests(maker), left):
                    self._send(client, request, fuzzed)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                say(f"{fuzzed.statuses.total():7,} requests, {len(fuzzed.failed)} failed")
        return fuzzed

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
        fuzzed.statuses[status] += 1
        if status >= 500 and status not in DELIBERATE:
            fuzzed.failed.append(f"{status} {request}")

    def _client(self) -> TestClient:
        """Return a client with a new key, signed in, in a forum with something to review."""
        self._round += 1
        name = f"ana{self._round}"
        with self._sessions.begin() as session:
            if self._round == 1:
                seeded = seed_questions(session, *_TITLES)
                for one, other in ((0, 1), (2, 3), (1, 2)):
                    flag(session, seeded, one, other)
                self._forum = seeded.forum
            make_person(session, self._forum, name, Role.ADMIN)
        queue = NotingQueue()
        queue.answer = CheckAnswer(threshold=0.5, bi_encoder="b", reranker="r")
        key = make_key(self._sessions, "cooks", scopes=("submit", "review", "admin"))
        client = make_client(self._sessions, key, queue=queue, wait_limit_s=0)
        html = {"Accept": "text/html"}
        client.post("/console/sign-in", data={"name": name, "secret": PASSWORD}, headers=html)
        page = client.get("/console/cooks/review", headers=html).text
        client.headers["X-CSRF-Token"] = page.split('name="csrf" content="')[1].split('"')[0]
        return client


def _is_seldom(route: APIRoute, method: str) -> bool:
    return method == "POST" and route.path.endswith(("/archives", "/sign-out"))


def main() -> int:
    """Send many requests and print their statuses."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    people._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # noqa: SLF001
    with running_servers() as servers:
        fuzzed = Attacker(servers.sessions, given.seed).run(given.requests, print)
    for status, count in sorted(fuzzed.statuses.items()):
        print(f"{status} {count:8,}")
    print("\n".join(fuzzed.failed[:50]))
    print(f"seed {given.seed}: {len(fuzzed.failed)} of {fuzzed.statuses.total():,} failed")
    return 1 if fuzzed.failed else 0


if __name__ == "__main__":
    sys.exit(main())
