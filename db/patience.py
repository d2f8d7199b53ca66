"""Gives up connections whose server says nothing, so that nobody waits for it without end.

Postgres ends a statement that takes too long, but a server that hangs ends nothing, and its socket
stays open. So a thread of each process looks for statements that have waited for a while, and asks
their server about them over a new connection. If the server is silent there too, or says that it
has not begun a statement, the statement's connection is closed: who waits gets an
``OperationalError``, as if the server had died.
"""

import os
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, connection, cursor

_PATIENCE_S = 5.0
"""After so long without an answer the server is asked, and it has as long to answer that."""
_LOOK_EVERY_S = 0.5
_GRACE_S = 5.0
"""After its time limit a server that works has said by so much later that it ended a statement."""
_STEP_S = 0.1
_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}

_HANGING = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%(pids)s)
    AND (pid = ANY(%(overdue)s) OR state IN ('idle', 'idle in transaction')
         AND state_change < clock_timestamp() - make_interval(secs => %(patience_s)s))
"""
"""Connections whose server has not read what was sent, or should have ended it by itself. They are
also ended there: a server that goes on later must not do what somebody has given up."""


def ask(
    address: str,
    statement: str,
    values: Mapping[str, object] | None = None,
    *,
    within_s: float,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[Any]:
    """Return the rows of one statement over a new connection.

    *meanwhile* is called about ten times a second. Raises `TimeoutError` if the server is silent.
    """
    end = time.monotonic() + within_s
    asked = psycopg2.connect(address, async_=True)
    try:
        _settle(asked, end, meanwhile)
        with asked.cursor() as answers:
            answers.execute(statement, values)
            _settle(asked, end, meanwhile)
            return answers.fetchall() if answers.description else []
    finally:
        asked.close()


def _settle(asked: connection, end: float, meanwhile: Callable[[], object]) -> None:
    while (state := asked.poll()) != POLL_OK:
        if time.monotonic() > end:
            raise TimeoutError("the database does not answer")
        waiting = select.poll()
        waiting.register(asked.fileno(), _EVENTS[state])
        waiting.poll(1_000 * _STEP_S)
        meanwhile()


@dataclass(slots=True)
class _Statement:
    """A statement, its connection, and since when it waits for an answer."""

    asked: "PatientConnection"
    since: float

    @property
    def is_overdue(self) -> bool:
        """Return whether a server that works would have ended it."""
        return time.monotonic() - self.since > self.asked.limit_s + _GRACE_S


class Watch:
    """The statements of this process that wait."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._waiting: dict[int, _Statement] = {}
        self._lock = threading.Lock()
        self._starts = threading.Lock()
        self._is_looking = False

    def begin(self, asked: "PatientConnection") -> None:
        """Note that a statement is being sent."""
        self._waiting[id(asked)] = _Statement(asked, time.monotonic())
        if not self._is_looking:
            self._start()

    def end(self, asked: "PatientConnection") -> None:
        """Note that it is over, however it ended."""
        with self._lock:
            self._waiting.pop(id(asked), None)

    @contextmanager
    def over(self, asked: "PatientConnection") -> Iterator[None]:
        """Watch the statement that the block sends."""
        self.begin(asked)
        try:
            yield
        finally:
            self.end(asked)

    def look(self) -> None:
        """Close the connections of statements that nobody works on."""
        begun_before = time.monotonic() - _PATIENCE_S
        late: dict[str, list[_Statement]] = defaultdict(list)
        for one in list(self._waiting.values()):
            if one.since < begun_before and self._is_unanswered(one):
                late[one.asked.address].append(one)
        for address, some in late.items():
            for one in _hanging(address, some):
                self._is_unanswered(one, then=_close)

    def _is_unanswered(
        self, one: _Statement, *, then: Callable[[connection], object] = lambda _: None
    ) -> bool:
        """Return whether it still waits, and does something to its connection *then*.

        Whoever is done just now waits meanwhile, so that nobody else gets the socket.
        """
        with self._lock:
            if self._waiting.get(id(one.asked)) is not one or _has_answer(one.asked):
                return False
            then(one.asked)
            return True

    def _start(self) -> None:
        with self._starts:
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look_often, name="patience", daemon=True).start()

    def _look_often(self) -> None:
        try:
            while True:
                time.sleep(_LOOK_EVERY_S)
                with suppress(psycopg2.Error, OSError, ValueError):  # closed meanwhile
                    self.look()
        finally:
            self._is_looking = False  # the next statement starts another thread


def _hanging(address: str, late: Sequence[_Statement]) -> list[_Statement]:
    """Return which of a server's *late* statements it does not work on."""
    values = {
        "pids": [one.asked.pid for one in late],
        "overdue": [one.asked.pid for one in late if one.is_overdue],
        "patience_s": 0.8 * _PATIENCE_S,
    }
    try:
        found = {pid for pid, _ in ask(address, _HANGING, values, within_s=_PATIENCE_S)}
    except TimeoutError:
        return list(late)
    except psycopg2.Error:  # it answers, though it has no connection left, or ends
        return []
    return [one for one in late if one.asked.pid in found]


def _has_answer(asked: connection) -> bool:
    """Return whether an answer has come, or the end, which this busy process has not read."""
    number = asked.fileno()
    if number < 0:  # libpq has just closed it, and is about to say so
        return True
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    return bool(waiting.poll(0))


def _close(asked: connection) -> None:
    """Let whoever waits for this connection read its end."""
    line = socket.socket(fileno=asked.fileno())
    with suppress(OSError):  # it has just been closed at the other end
        line.shutdown(socket.SHUT_RDWR)
    line.detach()


_WATCH = Watch()


class PatientConnection(connection):
    """A connection whose statements are given up when nobody works on them."""

    limit_s = float("inf")
    """After so long the server itself ends a statement."""

    def __init__(self, address: str, **given: Any) -> None:
        super().__init__(address, **given)
        self.address = address
        self.pid = self.get_backend_pid()
        self.cursor_factory = _PatientCursor

    def commit(self) -> None:
        """Commit; raises `psycopg2.OperationalError` where the outcome never comes."""
        with _WATCH.over(self):
            super().commit()

    def rollback(self) -> None:
        """Undo the transaction; raises as `commit` does."""
        with _WATCH.over(self):
            super().rollback()


def patient(limit_s: float) -> Callable[..., PatientConnection]:
    """Return what makes connections whose server ends a statement after *limit_s*."""

    def make(address: str, **given: Any) -> PatientConnection:
        made = PatientConnection(address, **given)
        made.limit_s = limit_s
        return made

    return make


class _PatientCursor(cursor):
    connection: PatientConnection

    def execute(self, query: Any, values: Any = None) -> None:
        asked = self.connection
        if isinstance(query, str) and "statement_timeout" in query:  # a limit of its own follows
            asked.limit_s = float("inf")
        with _WATCH.over(asked):
            super().execute(query, values)

    def executemany(self, query: Any, values: Any) -> None:
        with _WATCH.over(self.connection):
            super().executemany(query, values)

    def copy_expert(self, statement: Any, file: Any, size: int = 8_192) -> None:
        with _WATCH.over(self.connection):
            super().copy_expert(statement, file, size)
