"""Nobody waits without end for a Postgres that says nothing, and what was given up is not done."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from cli.running.service import wait_until
from db import patience
from db.engine import make_engine, make_sessions, of_single_statements
from db.settings import DatabaseSettings
from tests.servers.api_service import make_client, make_key

Factory = sessionmaker[Session]
_PATIENCE_S = 0.4
_PID = text("SELECT pg_backend_pid()")
_SLOW = text("SELECT pg_sleep(1.5)")


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PATIENCE_S", _PATIENCE_S)
    monkeypatch.setattr(patience, "_LOOK_EVERY_S", 0.05)


@pytest.fixture
def own(engine: Engine) -> Iterator[Factory]:
    """Sessions of an engine of its own, as a process makes it."""
    url = engine.url.render_as_string(hide_password=False)
    made = make_engine(DatabaseSettings.model_validate({"database_url": url, "pool_size": 1}))
    yield make_sessions(made)
    made.dispose()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process of Postgres for the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def hangs(sessions: Factory) -> int:
    """Return the process that answers the only connection of *sessions*."""
    with sessions.begin() as session:
        return int(session.execute(_PID).scalar_one())


@pytest.mark.parametrize("is_single", [False, True])
def test_a_statement_that_nobody_begins_is_given_up_and_never_done(
    own: Factory, committed: Factory, *, is_single: bool
) -> None:
    sessions = of_single_statements(own) if is_single else own
    write = text("INSERT INTO forums (name) VALUES ('late')")
    pid = hangs(sessions)
    with stopped(pid), pytest.raises(OperationalError), sessions.begin() as session:
        session.execute(write)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)
    with committed.begin() as session:
        late = session.execute(text("SELECT count(*) FROM forums WHERE name = 'late'"))

        assert late.scalar_one() == 0


def test_the_next_statement_gets_a_connection_that_answers(own: Factory) -> None:
    pid = hangs(own)
    with stopped(pid):
        with pytest.raises(OperationalError), own.begin() as session:
            session.execute(_PID)

        assert hangs(own) != pid


def test_a_commit_that_nobody_answers_is_given_up(own: Factory) -> None:
    session = own()
    pid = session.execute(_PID).scalar_one()
    with stopped(pid), pytest.raises(OperationalError):
        session.commit()
    session.close()


def test_what_takes_long_and_is_worked_on_is_waited_for(own: Factory) -> None:
    with own.begin() as session:
        assert session.execute(_SLOW).one()


def test_what_has_long_passed_its_limit_is_given_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_GRACE_S", 0.1)
    own = psycopg2.connect(
        engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        connection_factory=patience.patient(0.1),
    )
    with pytest.raises(psycopg2.OperationalError):
        own.cursor().execute("SELECT pg_sleep(30)")


class Ending(patience.PatientConnection):
    """A connection that libpq has just closed, before it says so."""

    def fileno(self) -> int:
        return -1


def test_a_connection_that_ends_while_it_is_looked_at_ends_nothing_else(engine: Engine) -> None:
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    watch, own = patience.Watch(), Ending(url)
    with watch.over(own):
        time.sleep(1.5 * _PATIENCE_S)

        watch.look()

    assert own.closed == 0
    own.close()


def test_whatever_ends_the_thread_that_looks_the_next_statement_starts_another(
    own: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, looks, ends = patience.Watch(), list[str](), list[object]()
    monkeypatch.setattr(threading, "excepthook", ends.append)

    def look() -> None:
        looks.append(threading.current_thread().name)
        raise RuntimeError

    monkeypatch.setattr(watch, "look", look)
    with own() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, patience.PatientConnection)
        watch.begin(driver)
        wait_until(lambda: len(ends) == 1, timeout_s=30)
        watch.begin(driver)
        wait_until(lambda: len(ends) == 2, timeout_s=30)

    assert looks == ["patience", "patience"]


@pytest.mark.parametrize("change", ["SET LOCAL statement_timeout = 0", "SET statement_timeout = 0"])
def test_a_statement_with_a_limit_of_its_own_may_take_longer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(patience, "_GRACE_S", 0.1)
    own = psycopg2.connect(
        engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        connection_factory=patience.patient(0.1),
    )
    own.cursor().execute(change)
    cursor = own.cursor()

    cursor.execute("SELECT 7 FROM pg_sleep(1.0)")

    assert cursor.fetchone() == (7,)

    own.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        yield f"host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=disable"


def test_where_the_whole_server_is_silent_everybody_is_given_up(own: Factory, silent: str) -> None:
    with own() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, patience.PatientConnection)
        driver.address = silent
        with pytest.raises(OperationalError):
            session.execute(text("SELECT pg_sleep(30)"))


def test_who_asks_a_silent_server_is_told_so_in_time_and_does_other_things_meanwhile(
    silent: str,
) -> None:
    done: list[None] = []
    with pytest.raises(TimeoutError):
        patience.ask(silent, "SELECT 1", within_s=0.5, meanwhile=lambda: done.append(None))

    assert len(done) > 1


def test_an_answer_that_lies_there_is_read_however_late(own: Factory, engine: Engine) -> None:
    """A process that was stopped itself does not take its server for the one that hangs."""
    watch = patience.Watch()
    watch._is_looking = True  # noqa: SLF001  # no thread: this test looks
    with own() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, patience.PatientConnection)
        with driver.cursor() as cursor:
            cursor.execute("LISTEN patience")
            driver.commit()
            with engine.begin() as other:
                other.exec_driver_sql("NOTIFY patience")
            watch.begin(driver)
            time.sleep(1.5 * _PATIENCE_S)
            watch.look()
            watch.end(driver)
            cursor.execute("SELECT 1")


def test_a_submission_to_a_connection_that_hangs_is_put_off_in_time_and_taken_after(
    own: Factory, committed: Factory
) -> None:
    key = make_key(committed, "cooks")
    with make_client(own, key) as client, stopped(hangs(own)):
        answers = [
            client.put("/v1/forums/cooks/questions/1", json={"title": "How do I boil an egg?"})
            for _ in range(2)
        ]

    assert [one.status_code for one in answers] == [
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.ACCEPTED,
    ]
    assert int(answers[0].headers["Retry-After"]) > 0
