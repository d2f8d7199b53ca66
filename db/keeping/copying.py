"""Tables to and from the parts of a file, by Postgres' binary COPY."""

from collections.abc import Callable, Sequence

import psycopg2
import psycopg2.errors
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from db.engine import copy
from db.keeping.stream import TableReader, TableWriter, UnreadableBackupError, Writer

Say = Callable[[str, int], object]
"""Called with a table's name and how many bytes of it are copied."""


def names_of(columns: Sequence[str]) -> str:
    """Return the columns as SQL has them."""
    return ", ".join(f'"{name}"' for name in columns)


def copy_out(
    connection: Connection, writer: Writer, table: str, query: str, say: Say
) -> dict[str, int | str]:
    """Write what *query* finds as the rows of *table*; return how many, their bytes and digest."""
    part = TableWriter(writer, table)

    class Told:
        def write(self, data: bytes) -> int:
            say(table, part.size)
            return part.write(data)

    rows = copy(connection, f"COPY ({query}) TO STDOUT (FORMAT binary)", Told())
    written = part.finish()
    return {"rows": rows, "size": written.size, "sha256": written.digest}


def copy_in(
    connection: Connection, table: str, columns: Sequence[str], part: TableReader, say: Say
) -> int:
    """Read the rows of *part* into *table* and return how many; raises `UnreadableBackupError`."""

    class Told:
        def read(self, size: int = -1) -> bytes:
            say(table, part.size)
            return part.read(size)

    statement = f'COPY "{table}" ({names_of(columns)}) FROM STDIN (FORMAT binary)'
    try:
        return copy(connection, statement, Told())
    except DBAPIError as error:
        # Postgres reports an error of reading the file as a cancelled copy.
        if not isinstance(error.orig, (psycopg2.DataError, psycopg2.errors.QueryCanceled)):
            raise
        said = str(error.orig).strip().splitlines()[0]
        raise UnreadableBackupError(f"the rows of {table} cannot be read: {said}") from error
