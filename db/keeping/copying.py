"""Tables to and from the parts of a file, by Postgres' binary COPY."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
import psycopg2.errors
from sqlalchemy import Connection

from db.keeping.stream import TableReader, TableWriter, UnreadableBackupError, Writer

Say = Callable[[str, int], object]
"""Hears a table's name and how many bytes of it are copied."""


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

    cursor: Any = connection.connection.cursor()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", Told())
    rows = int(cursor.rowcount)
    cursor.close()
    written = part.finish()
    return {"rows": rows, "size": written.size, "sha256": written.digest}


def copy_in(
    connection: Connection, table: str, columns: Sequence[str], part: TableReader, say: Say
) -> int:
    """Read the rows of *part* into *table* and return how many; `UnreadableBackupError`."""

    class Told:
        def read(self, size: int = -1) -> bytes:
            say(table, part.size)
            return part.read(size)

    cursor: Any = connection.connection.cursor()
    names = names_of(columns)
    try:
        cursor.copy_expert(f'COPY "{table}" ({names}) FROM STDIN (FORMAT binary)', Told())
        return int(cursor.rowcount)
    except (psycopg2.DataError, psycopg2.errors.QueryCanceled) as error:
        # What reading the file raises comes back as a copy that was cancelled.
        said = str(error).strip().splitlines()[0]
        raise UnreadableBackupError(f"the rows of {table} cannot be read: {said}") from error
    finally:
        cursor.close()
