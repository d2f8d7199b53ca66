"""What a failover, a lost connection or an abandoned transaction does, and what comes after."""

import io
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from db.engine import (
    copy,
    is_unfit,
    is_worth_another_try,
    make_engine,
    make_sessions,
    of_single_statements,
    run_alone,
)
from db.errors import LostTransactionError, ReadOnlyDatabaseError
from db.settings import DatabaseSettings
from db.tenants import forums
from tests.servers.api_service import make_client, make_key

pytestmark = pytest.mark.usefixtures("committed")
Factory = sessionmaker[Session]
QUESTION = {"title": "How do I boil an egg?"}
PATH = "/v1/forums/cooks/questions/1"


@pytest.fixture
def own(engine: Engine) -> Iterator[Factory]:
    """Sessions of an engine of its own, as a process makes it."""
    url = engine.url.render_as_string(hide_password=False)
    made = make_engine(DatabaseSettings.model_validate({"database_url": url}))
    yield make_sessions(made)
    made.dispose()


def turn_read_only(engine: Engine, *, on: bool) -> None:
    """Do to new transactions what a failover does: the server takes no changes."""
    name = engine.url.database
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        change = "SET default_transaction_read_only = on" if on else "RESET ALL"
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" {change}')
        connection.invalidate()


@pytest.fixture
def read_only(engine: Engine) -> Iterator[None]:
    turn_read_only(engine, on=True)
    yield
    turn_read_only(engine, on=False)


@pytest.mark.usefixtures("committed", "read_only")
def test_a_database_that_takes_no_changes_is_told_apart(own: Factory) -> None:
    with own() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
        with pytest.raises(ReadOnlyDatabaseError):
            forums.ensure_forum(session, "cooks")


def test_submissions_are_put_off_while_a_database_fails_over_and_taken_after(
    engine: Engine, own: Factory
) -> None:
    key = make_key(own, "cooks")
    with make_client(own, key) as client:
        own.kw["bind"].dispose()
        turn_read_only(engine, on=True)
        during, ready = client.put(PATH, json=QUESTION), client.get("/readyz").json()
        turn_read_only(engine, on=False)
        after = client.put(PATH, json=QUESTION)
        database = client.get("/readyz").json()["checks"]["database"]

    assert during.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(during.headers["Retry-After"]) > 0
    assert during.json()["type"] == "urn:askedbefore:read-only-database"
    assert "read-only" in ready["checks"]["database"]["detail"]
    assert after.status_code == HTTPStatus.ACCEPTED
    assert database["ok"]


def test_a_dead_connection_is_made_anew_without_anybodys_help(own: Factory) -> None:
    pid = text("SELECT pg_backend_pid()")
    with own.begin() as one, own.begin() as other:
        pids = {session.execute(pid).scalar_one() for session in (one, other)}
    assert len(pids) == 2
    with own.begin() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'askedbefore' AND pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        )

    for _ in range(3):
        with own.begin() as session:
            assert forums.list_forums(session) == []


def test_an_abandoned_transaction_is_given_up_and_the_next_one_works(own: Factory) -> None:
    with own.begin() as session:
        limit = text("SHOW idle_in_transaction_session_timeout")
        assert session.execute(limit).scalar_one() == "1min"
    with pytest.raises((LostTransactionError, OperationalError)), own.begin() as session:  # noqa: PT012
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        time.sleep(0.3)
        session.execute(text("SELECT 1"))

    with own.begin() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def test_what_a_copy_meets_is_told_like_what_any_statement_meets(own: Factory) -> None:
    to_nobody = "COPY no_such_table FROM STDIN"
    with pytest.raises(ProgrammingError), own.begin() as session:
        copy(session.connection(), to_nobody, io.BytesIO(b"1\n"))
    for bad, kind in ((b"x\n", DataError), (b"1\n1\n", IntegrityError)):
        with pytest.raises(kind) as wrong, own.begin() as session:  # noqa: PT012
            session.execute(text("CREATE TEMPORARY TABLE t (a int PRIMARY KEY) ON COMMIT DROP"))
            copy(session.connection(), "COPY t FROM STDIN", io.BytesIO(bad))
        assert is_unfit(wrong.value) is (kind is DataError)
    with pytest.raises(ReadOnlyDatabaseError), own.begin() as session:  # noqa: PT012
        session.execute(text("SET TRANSACTION READ ONLY"))
        copy(session.connection(), "COPY forums (name) FROM STDIN", io.BytesIO(b"a\n"))


def test_a_connection_that_is_cut_in_a_copy_is_made_anew(own: Factory) -> None:
    class Cutting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            with own.begin() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            return super().read(size)

    with pytest.raises(OperationalError) as cut, own.begin() as session:  # noqa: PT012
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.execute(text("CREATE TEMPORARY TABLE t (a int)"))
        copy(session.connection(), "COPY t FROM STDIN", Cutting(b"1\n" * 9_000))

    assert cut.value.connection_invalidated
    with own.begin() as session:
        assert forums.list_forums(session) == []


def test_a_connection_that_is_cut_after_its_statement_comes_back_to_the_pool(own: Factory) -> None:
    single, pool = of_single_statements(own), own.kw["bind"].pool
    for _ in range(3):
        for is_cut in (False, False, True):
            with single.begin() as session:
                pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
                with own.begin() as other:
                    cut = text("SELECT pg_terminate_backend(:pid, 5000) WHERE :is_cut")
                    other.execute(cut, {"pid": pid, "is_cut": is_cut})

    assert pool.checkedout() == 0
    with single.begin() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1


def alone(sessions: Factory, statement: str, **values: object) -> list[tuple[object, ...]]:
    with sessions.begin() as session:
        return [tuple(row) for row in run_alone(session, statement, values)]


@pytest.mark.parametrize("is_single", [True, False])
def test_a_statement_alone_is_a_transaction_if_its_session_has_none(
    own: Factory, *, is_single: bool
) -> None:
    sessions = of_single_statements(own) if is_single else own
    insert = "INSERT INTO forums (name, title) VALUES (%(name)s, '') RETURNING name"
    with pytest.raises(ZeroDivisionError), sessions.begin() as session:  # noqa: PT012
        assert [tuple(row) for row in run_alone(session, insert, {"name": "bakers"})]
        raise ZeroDivisionError

    assert alone(own, "SELECT name FROM forums") == ([("bakers",)] if is_single else [])
    own.kw["bind"].dispose()
    with own.begin() as session:
        session.execute(text("DELETE FROM forums"))


def test_an_error_of_a_statement_alone_is_like_any_other(own: Factory) -> None:
    single, pool = of_single_statements(own), own.kw["bind"].pool
    for statement, kind in (("SELECT 1/0", DataError), ("SELECT x", ProgrammingError)):
        with pytest.raises(kind) as wrong:
            alone(single, statement)
        assert is_unfit(wrong.value) is (kind is DataError)
        assert not wrong.value.connection_invalidated

    assert (pool.checkedout(), pool.checkedin()) == (0, 1)
    assert alone(own, "SHOW transaction_isolation") == [("read committed",)]
    with own.begin() as session:  # the pool's connections are in transactions as before
        driver = session.connection().connection.driver_connection
        assert driver is not None
        assert not driver.autocommit


def test_a_connection_that_is_cut_in_a_statement_alone_is_made_anew(own: Factory) -> None:
    single = of_single_statements(own)

    with pytest.raises(OperationalError) as cut:
        alone(single, "SELECT pg_terminate_backend(pg_backend_pid())")

    assert cut.value.connection_invalidated
    assert own.kw["bind"].pool.checkedout() == 0
    assert alone(single, "SELECT 1") == [(1,)]


def test_after_a_standby_all_connections_are_made_anew(own: Factory) -> None:
    single = of_single_statements(own)
    become_standby = "SELECT set_config('default_transaction_read_only', 'on', false)"
    with own.begin() as session, own.begin() as other:
        for one in (session, other):
            one.execute(text(become_standby))

    with pytest.raises(ReadOnlyDatabaseError):
        alone(single, "INSERT INTO forums (name, title) VALUES ('bakers', '') RETURNING id")

    for _ in range(3):
        assert alone(single, "SHOW transaction_read_only") == [("off",)]


def test_a_statement_that_took_too_long_is_not_worth_another_try(own: Factory) -> None:
    with pytest.raises(OperationalError) as cancelled, own.begin() as session:  # noqa: PT012
        session.execute(text("SET LOCAL statement_timeout = '5ms'"))
        session.execute(text("SELECT pg_sleep(1)"))

    assert not is_worth_another_try(cancelled.value)


def test_nothing_is_sent_after_a_single_statement(own: Factory, engine: Engine) -> None:
    single = of_single_statements(own)
    for _ in range(3):  # the driver sets a level, and takes it back at the next use
        with single.begin() as session:
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with own.begin() as session:
            session.execute(text("SELECT 1"))

        with single.begin() as session:
            assert session.execute(text("SELECT pg_backend_pid()")).scalar_one() == pid
        with engine.connect() as other:
            last = "SELECT query FROM pg_stat_activity WHERE pid = %(pid)s"
            assert other.exec_driver_sql(last, {"pid": pid}).scalar_one() == (
                "SELECT pg_backend_pid()"
            )


def test_transactions_read_what_others_have_committed_by_now(own: Factory, engine: Engine) -> None:
    name = engine.url.database
    alter = f'ALTER DATABASE "{name}" SET default_transaction_isolation = "repeatable read"'
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(alter)
        try:
            with own.begin() as session:
                level = session.execute(text("SHOW transaction_isolation")).scalar_one()
        finally:
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" RESET ALL')

    assert level == "read committed"
