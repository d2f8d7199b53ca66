"""A forum's backend and moderator: they write in every way, and record what was accepted."""

import random
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx2

from cli.running.service import WaitedTooLongError, wait_until
from db.tenants import forums, keys, people
from db.tenants.people import Role
from tests.faults.world import World

FORUM = "alpha"
_PERSON, _PASSWORD = "ana", "correct horse battery"
_ROWS = 200
_BATCH = 50
_BODY_BYTES, _NOTE_BYTES = 9_000, 250
_MEANWHILE_S = 60.0
_SYLLABLES = ("ba", "ke", "ti", "no", "lu", "ra", "se", "mi", "do", "gu", "pa", "ve")

Answer = tuple[httpx2.Response, float]
"""What was answered, and after how many seconds."""


@dataclass(slots=True)
class Written:
    """What must be in the database afterwards, and what may be."""

    titles: dict[str, set[str | None]] = field(default_factory=dict)
    """The titles that each question may have by now; None where it may be absent."""
    wholes: list[list[str]] = field(default_factory=list)
    """Batches that came in whole or not at all."""
    decided: list[tuple[set[str], list[int]]] = field(default_factory=list)
    """Pairs that share one of these statuses."""


class Visitor:
    """Writes as a forum does, and as its moderator does in the console."""

    def __init__(self, world: World) -> None:
        with world.sessions.begin() as session:
            row = forums.ensure_forum(session, FORUM)
            scopes = ["submit", "review"]
            key = keys.create_key(session, name=FORUM, forum_ids=[row.id], scopes=scopes)
            person = people.ensure_person(session, _PERSON)
            people.set_password(session, person.id, _PASSWORD)
            people.set_role(session, person.id, row.id, Role.MODERATOR)
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(base_url=world.url, headers=headers, timeout=300)
        self._console = httpx2.Client(
            base_url=world.url, headers={"Accept": "text/html"}, timeout=300
        )
        self._world, self._count, self._drawn = world, 0, random.Random(7)
        self._csrf = ""
        self.written = Written()

    def submit(self) -> tuple[str, Answer]:
        """Send a question and return its id and the answer."""
        name, title = self._name(), self._title()
        answer = self._put(name, title)
        self._note(name, title, None, answer[0])
        return name, answer

    def edit(self, name: str) -> Answer:
        """Change a question that was accepted."""
        title = self._title()
        before = self.written.titles[name]
        answer = self._put(name, title)
        self.written.titles[name] = {title} if answer[0].is_success else {title, *before}
        return answer

    def send_many(self) -> Answer:
        """Send a batch; its texts do not shrink."""
        wanted = {self._name(): self._title() for _ in range(_BATCH)}
        items = [
            {"id": name, "title": title, "body": self._noise(_BODY_BYTES)}
            for name, title in wanted.items()
        ]
        return self._batch(wanted, items)

    def upload(self) -> httpx2.Response:
        """Send a file of questions."""
        self._count += 1
        rows = (f"{self._count}-{n},How do I paint wall {n}?\n" for n in range(_ROWS))
        data = "id,title\n" + "".join(rows)
        return self._http.post(f"/v1/forums/{FORUM}/archives", content=data.encode())

    def decide(self, pairs: dict[int, int]) -> Answer:
        """Decide in the console on pairs, given with their versions: all of them or none."""
        seen = " ".join(f"{pair}:{version}" for pair, version in pairs.items())
        form = {
            "csrf": self._csrf, "status": "not_duplicate", "seen": seen,
            "note": self._noise(_NOTE_BYTES),
        }  # fmt: skip
        answer = self._timed(
            lambda: self._console.post(f"/console/{FORUM}/entries/decision", data=form)
        )
        is_done = answer[0].status_code == HTTPStatus.SEE_OTHER
        statuses = {"not_duplicate"} if is_done else {"not_duplicate", "flagged"}
        self.written.decided.append((statuses, list(pairs)))
        return answer

    def twins(self, count: int) -> dict[int, int]:
        """Send questions of which every two ask the same, and return their pairs' versions."""
        wanted, items = {}, []
        for _ in range(count):
            title = self._title()
            for name in (self._name(), self._name()):
                wanted[name] = title
                items.append({"id": name, "title": title})
        self._batch(wanted, items)[0].raise_for_status()
        found: dict[int, int] = {}

        def are_flagged() -> bool:
            found.update(self._flagged(wanted))
            return len(found) >= count

        if self.wait_for(are_flagged, _MEANWHILE_S) is None:
            raise TimeoutError(f"{len(found)} of {count} pairs were flagged")
        return found

    def sign_in(self) -> None:
        """Sign in to the console."""
        form = {"name": _PERSON, "secret": _PASSWORD}
        self._console.post("/console/sign-in", data=form)
        page = self._console.get(f"/console/{FORUM}/review").text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        if found is None:
            raise RuntimeError("the page of the queue has no form")
        self._csrf = found[1]

    def is_done(self, name: str) -> bool:
        """Return whether a question has been checked."""
        answer = self._http.get(f"/v1/forums/{FORUM}/questions/{name}")
        return answer.is_success and answer.json()["state"] == "done"

    def check(self) -> httpx2.Response:
        """Ask about a text that is not stored, which goes through Redis."""
        return self._http.post(f"/v1/forums/{FORUM}/check", json={"title": self._title()})

    def ready(self) -> tuple[int, str]:
        """Return the status of ``/readyz`` and what it says is wrong."""
        answer = self._http.get("/readyz")
        checks = answer.json()["checks"].items()
        wrong = (f"{name}: {one['detail']}" for name, one in checks if not one["ok"])
        return answer.status_code, "; ".join(wrong)

    def wait_for(self, what: Callable[[], bool], timeout_s: float) -> float | None:
        """Return the seconds until *what* was true; None if it was not in time."""

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
        name, (answer, _) = self.submit()
        if not answer.is_success or (files and not self.upload().is_success):
            return False
        wait_until(lambda: self.is_done(name), timeout_s=_MEANWHILE_S, pause_s=0.1)
        return self.ready()[0] == HTTPStatus.OK

    def what_is_wrong(self) -> list[str]:
        """Return what is different from what was accepted, and what was stored only partly."""
        ask, forum = self._world.ask, f"(SELECT id FROM forums WHERE name = '{FORUM}')"
        rows = ask(f"SELECT external_id, title FROM questions WHERE forum_id = {forum}")
        titles = dict(rows)
        statuses = dict(ask("SELECT id, status FROM pairs"))
        written = self.written
        wrong = [
            f"question {name} is {titles.get(name)!r}"
            for name, may_be in written.titles.items()
            if titles.get(name) not in may_be
        ]
        wrong += [
            "half of a batch is there"
            for batch in written.wholes
            if len({titles.get(name) is None for name in batch}) > 1
        ]
        for may_be, pairs in written.decided:
            found = {statuses[pair] for pair in pairs}
            if len(found) > 1 or not found <= may_be:
                wrong.append(f"of a decision on {len(pairs)} pairs there is {sorted(found)}")
        return wrong

    def _put(self, name: str, title: str) -> Answer:
        body = {"title": title, "body": self._noise(_BODY_BYTES)}
        path = f"/v1/forums/{FORUM}/questions/{name}"
        return self._timed(lambda: self._http.put(path, json=body))

    def _batch(self, wanted: dict[str, str], items: list[dict[str, str]]) -> Answer:
        path = f"/v1/forums/{FORUM}/questions:batch"
        answer = self._timed(lambda: self._http.post(path, json={"questions": items}))
        for name, title in wanted.items():
            self._note(name, title, None, answer[0])
        self.written.wholes.append(list(wanted))
        return answer

    def _note(self, name: str, title: str, before: str | None, answer: httpx2.Response) -> None:
        self.written.titles[name] = {title} if answer.is_success else {title, before}

    def _flagged(self, names: Iterable[str]) -> dict[int, int]:
        """Return the flagged pairs of questions of these *names*, with their versions."""
        listed = ", ".join(f"'{name}'" for name in names)
        return dict(
            self._world.ask(
                "SELECT pairs.id, pairs.version FROM pairs JOIN questions ON questions.id = low_id"
                f" WHERE pairs.status = 'flagged' AND external_id IN ({listed})"
            )
        )

    def _timed(self, call: Callable[[], httpx2.Response]) -> Answer:
        begun = time.perf_counter()
        answer = call()
        return answer, time.perf_counter() - begun

    def _name(self) -> str:
        self._count += 1
        return f"q{self._count}"

    def _title(self) -> str:
        words = ("".join(self._drawn.choices(_SYLLABLES, k=3)) for _ in range(6))
        return f"{' '.join(words)}?"

    def _noise(self, count: int) -> str:
        return self._drawn.randbytes(count).hex()
