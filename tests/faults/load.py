"""Clients of the service: each repeats a call until it gets an answer with the result."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from tests.faults.ledger import Decided, Key, Ledger, Wanted

_SYLLABLES = ("ba", "ke", "ti", "no", "lu", "ra", "se", "mi", "do", "gu", "pa", "ve")
_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.INSUFFICIENT_STORAGE,
    }
)
_NEVER = HTTPStatus.INTERNAL_SERVER_ERROR
_PATIENCE_S = 600.0
_UPLOADS_PATIENCE_S = 1_800.0
"""Seconds for an upload: after each interruption the file is read from its beginning."""
_TIMEOUT_S, _UPLOADS_TIMEOUT_S = 60.0, 300.0
_TWINS = 4
"""Most questions with the same text: every two of them must become a pair."""
_NEAR = 0.1
"""Share of the titles that differ from the one before in a word or two."""
_HANGS_UP_S = 0.03
_LATE_S = 45.0
"""Seconds in which an interrupted call may still be accepted, after later ones."""


class Texts:
    """Titles, some of them given out more than once."""

    def __init__(self, seed: int, name: str) -> None:
        self._drawn = random.Random(f"{seed} {name}")
        self._name = name
        self._last: list[str] = []
        self._open: list[list[Any]] = []
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> str:
        """Return a title that nobody has, or one that others have."""
        with self._lock:
            if self._open and self._drawn.random() < 0.5:
                place = self._drawn.randrange(len(self._open))
                chosen = self._open[place]
                chosen[1] -= 1
                if not chosen[1]:
                    del self._open[place]
                return str(chosen[0])
            self._count += 1
            words = ["".join(self._drawn.choices(_SYLLABLES, k=3)) for _ in range(5)]
            if self._drawn.random() < _NEAR:  # so that the models flag some, too
                words[:4] = self._last[:4]
            self._last = words
            title = f"{' '.join(words)} {self._name}{self._count}?"
            self._open.append([title, self._drawn.randint(1, _TWINS - 1)])
            return title


@dataclass(slots=True)
class Client:
    """Calls with one forum's key; *drawn* decides what it does next."""

    url: str
    key: str
    forum: str
    name: str
    ledger: Ledger
    texts: Texts
    still: Texts
    drawn: random.Random
    own: dict[str, float] = field(default_factory=dict)
    """The client's questions, and the time until which each is not changed again."""
    broken_at: float = float("-inf")
    hangs_up: bool = False
    calls: int = 0
    timeout_s: float = _TIMEOUT_S
    patience_s: float = _PATIENCE_S

    def ask(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """Return the answer; raises `httpx2.TransportError`."""
        timeout = _HANGS_UP_S if self.hangs_up else self.timeout_s
        self.hangs_up = False
        with httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=timeout
        ) as client:
            return client.request(method, f"/v1{path}", **given)

    def insist(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """Repeat the call, and return the first answer with its result."""
        begun = time.monotonic()
        while True:
            try:
                answer = self.ask(method, path, **given)
            except httpx2.TransportError:
                answer, self.broken_at = None, time.monotonic()
            if answer is not None:
                with self.ledger.lock:
                    self.ledger.answers[answer.status_code] += 1
                if answer.status_code == _NEVER:
                    self.ledger.complain(
                        f"{method} {path.split('?', maxsplit=1)[0]}: {answer.text[:300]}"
                    )
                elif answer.status_code not in _AGAIN:
                    return answer
            if time.monotonic() - begun > self.patience_s:
                raise TimeoutError(f"{method} {path}: nothing but refusals")
            time.sleep(0.2 + 0.2 * self.drawn.random())

    def _path(self, rest: str) -> str:
        return f"/forums/{self.forum}{rest}"


class Writer(Client):
    """Submits, edits, hides, shows and erases questions of its own."""

    def step(self) -> None:
        """Make one change."""
        chance = self.drawn.random()
        self.calls += 1
        free = [name for name, until in self.own.items() if until < time.monotonic()]
        if len(free) < 5 or chance < 0.3:
            self._submit(f"{self.name}-{self.calls}")
        elif chance < 0.35:
            still = Wanted(self.still.next(), is_still=True)
            self._put(f"{self.name}-{self.calls}", still)
        elif chance < 0.5:
            self._submit_many()
        elif chance < 0.65:
            self._submit(self.drawn.choice(free))
        elif chance < 0.9:
            self._show_or_hide(self.drawn.choice(free))
        else:
            self._erase(self.drawn.choice(free))

    def _submit(self, name: str) -> None:
        self._put(name, Wanted(self.texts.next(), visible=self.drawn.random() < 0.8))

    def _show_or_hide(self, name: str) -> None:
        now = self.ledger.questions[Key(self.forum, name)]
        self._put(name, Wanted(now.title, visible=not now.visible))

    def _put(self, name: str, wanted: Wanted) -> None:
        body = {"title": wanted.title, "visible": wanted.visible}
        answer = self._change([name], "PUT", f"/questions/{name}", json=body)
        self._expect(answer, {200, 202})
        self._accepted(name, wanted)

    def _change(
        self, names: Iterable[str], method: str, rest: str, **given: Any
    ) -> httpx2.Response:
        """Repeat a change of questions until it is answered, or note that its result is unknown."""
        try:
            return self.insist(method, self._path(rest), **given)
        except TimeoutError:
            self.ledger.doubt(Key(self.forum, name) for name in names)
            raise

    def _accepted(self, name: str, wanted: Wanted) -> None:
        self.ledger.accept(Key(self.forum, name), wanted)
        if not wanted.is_still:
            self.own[name] = self.broken_at + _LATE_S

    def _submit_many(self) -> None:
        names = [f"{self.name}-{self.calls}-{n}" for n in range(self.drawn.randint(2, 12))]
        wanted = {name: Wanted(self.texts.next()) for name in names}
        batch = [{"id": name, "title": one.title} for name, one in wanted.items()]
        answer = self._change(wanted, "POST", "/questions:batch", json={"questions": batch})
        self._expect(answer, {200, 202})
        for name, one in wanted.items():
            self._accepted(name, one)

    def _erase(self, name: str) -> None:
        answer = self._change([name], "DELETE", f"/questions/{name}")
        self._expect(answer, {204, 404})  # 404: the first try was accepted
        del self.own[name]
        self.ledger.erase(Key(self.forum, name))

    def _expect(self, answer: httpx2.Response, statuses: set[int]) -> None:
        if answer.status_code not in statuses:
            call = f"{answer.request.method} {answer.request.url.path}"
            self.ledger.complain(f"{call}: {answer.status_code} {answer.text[:200]}")


class Uploader(Writer):
    """Uploads archives; their questions stay as they are."""

    def step(self) -> None:
        """Upload one archive."""
        self.calls += 1
        names = [f"{self.name}-{self.calls}-{n}" for n in range(self.drawn.randint(10, 60))]
        wanted = {name: Wanted(self.still.next(), is_still=True) for name in names}
        rows = [json.dumps({"id": name, "title": one.title}) for name, one in wanted.items()]
        self.timeout_s, self.patience_s = _UPLOADS_TIMEOUT_S, _UPLOADS_PATIENCE_S
        rest = f"/archives?name={self.name}-{self.calls}.ndjson"
        answer = self._change(wanted, "POST", rest, content="\n".join(rows).encode())
        self._expect(answer, {202})
        if answer.status_code == HTTPStatus.ACCEPTED:
            self.ledger.note("archives")
            self.ledger.archives[answer.json()["id"]] = self.forum
            for name, one in wanted.items():
                self._accepted(name, one)
        time.sleep(1.0)


class Moderator(Client):
    """Decides on pairs, and takes some decisions back."""

    def step(self) -> None:
        """Decide on some of the pairs that wait."""
        answer = self.insist("GET", self._path("/pairs?status=flagged&limit=500"))
        pairs = answer.json()["pairs"]
        for pair in self.drawn.sample(pairs, min(3, len(pairs))):
            self._decide(pair)
        time.sleep(0.3)

    def _decide(self, pair: dict[str, Any]) -> None:
        self.calls += 1
        note = f"{self.name} {self.calls}"
        low, high = (Key(self.forum, one["id"]) for one in pair["questions"])
        self.ledger.decisions[note] = decided = Decided((low, high))
        body = {
            "moderator": self.name,
            "decision": self.drawn.choice(("duplicate", "duplicate", "not_duplicate", "related")),
            "version": pair["version"],
            "note": note,
            "merge": True,
        }
        answer = self.insist("POST", self._path(f"/pairs/{pair['id']}/decision"), json=body)
        if answer.status_code == HTTPStatus.OK:
            decided.is_certain = True
            self.ledger.note("decisions")
            if self.drawn.random() < 0.2:
                self._undo(pair["id"], answer.json()["id"])
        elif answer.status_code not in {404, 409}:
            self.ledger.complain(f"a decision: {answer.status_code} {answer.text[:200]}")

    def _undo(self, pair_id: str, decision_id: str) -> None:
        body = {"moderator": self.name, "decision_id": decision_id}
        answer = self.insist("POST", self._path(f"/pairs/{pair_id}/undo"), json=body)
        if answer.status_code not in {200, 404, 409}:
            self.ledger.complain(f"an undo: {answer.status_code} {answer.text[:200]}")


class Crowd:
    """All clients, each in a thread of its own."""

    def __init__(self, clients: Sequence[Writer | Moderator], *, pause_s: float = 0.05) -> None:
        self._clients = clients
        self._is_over = threading.Event()
        self._pause_s = pause_s
        self._threads = [threading.Thread(target=self._run, args=(one,)) for one in clients]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def hang_up(self) -> None:
        """Make every client interrupt its next call."""
        for client in self._clients:
            client.hangs_up = True

    def stop(self, meanwhile: Callable[[], object]) -> None:
        """Stop every client after its present call."""
        self._is_over.set()
        while any(thread.is_alive() for thread in self._threads):
            meanwhile()
            time.sleep(0.1)

    def _run(self, client: Writer | Moderator) -> None:
        while not self._is_over.wait(self._pause_s):
            try:
                client.step()
            except Exception as error:  # noqa: BLE001  # a client that stops would hide faults
                client.ledger.complain(f"{client.name}: {type(error).__name__}: {error}")
                time.sleep(1.0)
