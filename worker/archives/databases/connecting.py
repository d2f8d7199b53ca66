"""Read-only connections to MySQL, MariaDB and Postgres."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

import psycopg2
from psycopg2.extras import RealDictCursor

from worker.archives.databases.addresses import Address
from worker.archives.readers.records import UnreadableArchiveError

_CONNECT_S = 10
_STATEMENT_S = 120
_PLAIN = "SET SESSION time_zone = '+00:00', sql_mode = ''"
"""Without the strict mode a comparison of a number with an empty text does not fail."""
_COLUMNS = """
    SELECT table_name AS t, column_name AS c FROM information_schema.columns
    WHERE table_schema = {schema} AND left(table_name, char_length(%(prefix)s)) = %(prefix)s
"""


class LostError(Exception):
    """The database did not answer, or the connection was lost."""


class Connection(ABC):
    """A connection to a forum's database, which can only read."""

    schema: ClassVar[str]
    """SQL for the schema that the tables are in."""
    before: ClassVar[str] = ""
    """Statement before each query."""
    _connection: Any
    _error: type[Exception]

    @abstractmethod
    def __init__(self, address: Address) -> None:
        self._address = address

    def columns(self, prefix: str) -> frozenset[str]:
        """Return ``table.column`` of all tables with this prefix, but without the prefix."""
        with self._connection.cursor() as cursor:
            cursor.execute(_COLUMNS.format(schema=self.schema), {"prefix": prefix})
            rows = cursor.fetchall()
        return frozenset(f"{row['t'][len(prefix) :]}.{row['c']}" for row in rows)

    def page(
        self, query: str, *, after: int, since: datetime | int | None
    ) -> Sequence[Mapping[str, Any]]:
        """Return the rows with numbers above *after*; raises `LostError`."""
        try:
            with self._connection.cursor() as cursor:
                if self.before:
                    cursor.execute(self.before)
                cursor.execute(query, {"after": after, "since": since})
                return list(cursor.fetchall())
        except self._error as error:
            raise LostError(_message(error)) from error

    def again(self) -> Self:
        """Return a new connection to the same database; raises `LostError`."""
        self.close()
        return type(self)(self._address)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def connect(address: Address) -> Connection:
    """Return a connection that cannot write; raises `UnreadableArchiveError`."""
    kind: type[MySql | Postgres] = MySql if address.engine == "mysql" else Postgres
    try:
        return kind(address)
    except LostError as error:
        raise UnreadableArchiveError(f"{address.shown}: {error}") from error


class MySql(Connection):
    """MySQL or MariaDB, by PyMySQL."""

    schema = "database()"
    before = _PLAIN

    def __init__(self, address: Address) -> None:
        try:
            # An extra: most installations read no such database.
            import pymysql  # noqa: PLC0415
            from pymysql.cursors import DictCursor  # noqa: PLC0415
        except ImportError as error:
            raise UnreadableArchiveError(
                "to read MySQL or MariaDB install the driver: pip install 'askedbefore[mysql]'"
            ) from error
        super().__init__(address)
        self._error = pymysql.MySQLError
        try:
            self._connection = pymysql.connect(
                host=address.host,
                port=address.port or 3306,
                user=address.user or None,
                password=address.password,
                database=address.database,
                unix_socket=address.socket,
                charset="utf8mb4",
                connect_timeout=_CONNECT_S,
                read_timeout=_STATEMENT_S,
                cursorclass=DictCursor,
                autocommit=True,
                init_command="SET SESSION TRANSACTION READ ONLY",
            )
        except self._error as error:
            raise LostError(_message(error)) from error

    def close(self) -> None:
        """Close the connection if it is open."""
        if self._connection.open:
            self._connection.close()


class Postgres(Connection):
    """Postgres, by the driver of the service itself."""

    schema = "current_schema()"
    _error = psycopg2.Error

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        try:
            self._connection = psycopg2.connect(
                host=address.socket or address.host,
                port=address.port,
                user=address.user or None,
                password=address.password or None,
                dbname=address.database,
                connect_timeout=_CONNECT_S,
                options="-c default_transaction_read_only=on -c timezone=UTC"
                f" -c statement_timeout={_STATEMENT_S}s",
                cursor_factory=RealDictCursor,
            )
        except psycopg2.Error as error:
            raise LostError(_message(error)) from error
        self._connection.autocommit = True


def _message(error: Exception) -> str:
    """Return the driver's message on one line; no driver names a password in it."""
    message = error.args[-1] if error.args else type(error).__name__
    return " ".join(str(message).split())[:200]
