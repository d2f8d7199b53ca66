"""Database connections: one engine for each process, made at its entry point and passed down."""

import errno
import select
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from db.errors import LostTransactionError, ReadOnlyDatabaseError, ServiceError, TransientError
from db.patience import patient
from db.settings import DatabaseSettings

Sessions = sessionmaker[Session]
_Result = TypeVar("_Result")

_IN_EACH_OTHERS_WAY = frozenset({"40001", "40P01"})
"""SQLSTATEs: a serialisation failure, a deadlock."""
_UNFIT = ("22", "54")
"""Classes of SQLSTATEs: data that a column cannot take, and a limit of Postgres itself."""
_TRIES = 3
_SINGLE = "AUTOCOMMIT"
"""The isolation level of connections on which each statement is a transaction."""
_READ_ONLY, _IDLE_TOO_LONG, _DISK_FULL, _NO_LOCK = "25006", "25P03", "53100", "55P03"


_single_of: "WeakKeyDictionary[Sessions, Sessions]" = WeakKeyDictionary()
"""Made once for each factory: making them takes as long as a small statement."""

FAILURES = (SQLAlchemyError, TransientError)
"""What a transaction raises if the database is away, read-only, or too slow at the moment."""


DRIVERS_OWN = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""The same if no statement was running, for example while a connection is prepared."""

AWAY = (OperationalError, InterfaceError, PoolTimeoutError, *DRIVERS_OWN)
"""What every statement would meet now, but for locks."""


def make_engine(settings: DatabaseSettings) -> Engine:
    """Return an engine that looks at connections before use; statements have a time limit.

    Nobody waits for a server that hangs, either (`db.patience`).
    """
    engine = create_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        hide_parameters=True,  # an error must not carry a question's text into a log
        connect_args={
            "connect_timeout": 5,
            "options": " ".join(f"-c {name}={value}" for name, value in _options(settings)),
            "application_name": "askedbefore",
            "connection_factory": patient(settings.statement_timeout_s),
        },
    )
    event.listen(engine, "handle_error", _tell_apart)
    event.listen(engine, "checkout", _refuse_ended)
    _put_back_quietly(engine)
    return engine


def _put_back_quietly(engine: Engine) -> None:
    """Let a lost connection return to the pool; the next user gets a new one.

    Otherwise leaving the mode of single statements would raise after all the work is done, and the
    pool would lose a place for ever. SQLAlchemy would set a level, which the driver then takes back
    by a statement of its own each time: a round trip for each single statement.
    """

    def quietly(connection: Any) -> None:
        try:
            connection.autocommit = False
        except psycopg2.Error:
            connection.close()

    engine.dialect.reset_isolation_level = quietly  # type: ignore[assignment,method-assign]


def _refuse_ended(connection: Any, *_: object) -> None:
    """Raise `DisconnectionError` for a connection that its server has ended: a new one is made.

    On an idle connection there is nothing to read, unless the server has ended it. Looking takes
    microseconds; asking the server takes as long as a small statement.
    """
    if connection.closed:
        raise DisconnectionError
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError


def _options(settings: DatabaseSettings) -> list[tuple[str, str]]:
    return [
        ("statement_timeout", f"{settings.statement_timeout_s}s"),
        ("idle_in_transaction_session_timeout", f"{settings.idle_transaction_timeout_s}s"),
        ("timezone", "UTC"),
        ("default_transaction_isolation", r"read\ committed"),
    ]


def make_sessions(engine: Engine) -> Sessions:
    """Return the factory that opens every transaction: ``with sessions.begin() as session``."""
    return sessionmaker(engine, expire_on_commit=False)


def copy(connection: Connection, statement: str, file: Any, *, size: int = 8_192) -> int:
    """COPY from or to *file*, *size* bytes at a time, and return how many rows.

    SQLAlchemy knows no COPY, so errors of the driver are raised as SQLAlchemy's errors here.
    """
    cursor: Any = connection.connection.cursor()
    try:
        cursor.copy_expert(statement, file, size)
        return int(cursor.rowcount)
    except psycopg2.Error as error:
        if _code(error) == _READ_ONLY:
            connection.invalidate(error)
            raise ReadOnlyDatabaseError from error
        is_lost = bool(cursor.connection.closed)
        if is_lost:
            connection.invalidate(error)
        raise _as_sqlalchemys("COPY", error, connection.dialect, is_lost=is_lost) from error
    finally:
        cursor.close()


def _as_sqlalchemys(what: str, error: psycopg2.Error, dialect: Any, *, is_lost: bool) -> Exception:
    return DBAPIError.instance(
        what, None, error, psycopg2.Error, hide_parameters=True,
        connection_invalidated=is_lost, dialect=dialect,
    )  # fmt: skip


def run_alone(session: Session, statement: str, values: Any) -> Sequence[Any]:
    """Return the rows of one statement of the driver.

    In a session of single statements (`of_single_statements`) it skips the layers between, which
    take longer than a small statement. It is done when this returns; errors are SQLAlchemy's.
    """
    engine = session.bind
    if not isinstance(engine, Engine) or not _is_of_single_statements(engine):
        return session.connection().exec_driver_sql(statement, values).all()
    pooled = engine.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            rows: Sequence[Any] = cursor.fetchall()
    except psycopg2.Error as error:
        is_lost = bool(driver.closed)
        is_standby = _code(error) == _READ_ONLY
        if is_lost or is_standby:
            engine.dispose()  # the others are of the same server
            pooled.invalidate(error)
        if is_standby:
            raise ReadOnlyDatabaseError from error
        raise _as_sqlalchemys(statement, error, engine.dialect, is_lost=is_lost) from error
    else:
        return rows
    finally:
        if not driver.closed:
            driver.autocommit = False
        pooled.close()


def _is_of_single_statements(engine: Engine) -> bool:
    return engine.get_execution_options().get("isolation_level") == _SINGLE


def of_single_statements(sessions: Sessions) -> Sessions:
    """Return sessions in which each statement is a transaction: one round trip in place of three.

    Sessions on one connection stay as they are: another part of the program ends its transaction.
    """
    engine = sessions.kw.get("bind")
    if not isinstance(engine, Engine):
        return sessions
    made = _single_of.get(sessions)
    if made is None:
        made = make_sessions(engine.execution_options(isolation_level=_SINGLE))
        _single_of[sessions] = made
    return made


def is_worth_another_try(error: BaseException) -> bool:
    """Return whether the same transaction may work at once.

    If two transactions collide, Postgres ends one and undoes all that it did. A transaction that
    met a standby reaches the new primary over a new connection.
    """
    if isinstance(error, ReadOnlyDatabaseError):
        return True
    return isinstance(error, DBAPIError) and _code(error.orig) in _IN_EACH_OTHERS_WAY


class Tries:
    """Counts how often a transaction was begun again, up to a limit."""

    def __init__(self) -> None:
        self._left = _TRIES

    def is_another_due(self, error: BaseException) -> bool:
        """Count a try that ended in *error*, and return whether to try again."""
        self._left -= 1
        return self._left > 0 and is_worth_another_try(error)


def retried(work: Callable[[], _Result]) -> _Result:
    """Return what *work* returns; it is tried again if another transaction was in its way."""
    tries = Tries()
    while True:
        try:
            return work()
        except (DBAPIError, TransientError) as error:
            if not tries.is_another_due(error):
                raise


def is_unfit(error: BaseException) -> bool:
    """Return whether the data are at fault, so that another try would fail as well."""
    return isinstance(error, DBAPIError) and (_code(error.orig) or "").startswith(_UNFIT)


def is_disk_full(error: BaseException) -> bool:
    """Return whether this disk, or that of the database, has no room left."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return isinstance(error, DBAPIError) and _code(error.orig) == _DISK_FULL


def is_held_up(error: BaseException) -> bool:
    """Return whether others held a lock for too long, or each waited for the other."""
    code = _code(error.orig) if isinstance(error, DBAPIError) else None
    return code == _NO_LOCK or code in _IN_EACH_OTHERS_WAY


def is_of_some_rows(error: BaseException) -> bool:
    """Return whether some rows are at fault, or held by others: the rest may be stored."""
    is_of_all = isinstance(error, (*AWAY, ServiceError))
    return is_held_up(error) or is_unfit(error) or not is_of_all


def _tell_apart(context: ExceptionContext) -> None:
    code = _code(context.original_exception)
    if code == _READ_ONLY:
        # The connection works, but its server may have become a standby. All connections are opened
        # again, to reach the server that has taken over.
        context.is_disconnect = True
        raise ReadOnlyDatabaseError from context.original_exception
    if code == _IDLE_TOO_LONG:
        raise LostTransactionError from context.original_exception


def _code(error: BaseException | None) -> str | None:
    return getattr(error, "pgcode", None)
