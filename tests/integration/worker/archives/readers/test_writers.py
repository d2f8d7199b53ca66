"""Any list of questions comes back from what PostgreSQL and MariaDB themselves write into files."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pymysql
import pytest
from hypothesis import given, settings
from sqlalchemy import Engine

from tests.servers.forum_databases import running_mariadb
from tests.unit.worker.archives.readers.test_archive import questions, read, rejects
from tests.unit.worker.archives.readers.test_writers import ROWS, TELLING, Rows
from worker.text.normal import clean


@pytest.fixture(scope="module")
def mariadb() -> Iterator[str]:
    with running_mariadb() as socket:
        yield socket


def copied(engine: Engine, rows: Rows, how: str) -> bytes:
    """Return what ``COPY TO`` writes."""
    columns = [[row[place] for row in rows] for place in range(3)]
    out = io.BytesIO()
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        texts = cursor.mogrify("unnest(%s::text[], %s::text[], %s::text[])", columns).decode()
        cursor.copy_expert(
            f"COPY (SELECT * FROM {texts} AS t (id, title, body)) TO STDOUT WITH ({how})",  # noqa: S608  # quoted
            out,
        )
    return out.getvalue()


def into_outfile(socket: str, rows: Rows, how: str) -> bytes:
    """Return what ``SELECT INTO OUTFILE`` writes, with a header by UNION."""
    lines = [("id", "title", "body"), *rows]
    select = " UNION ALL ".join(["SELECT %s, %s, %s"] * len(lines))
    with (
        TemporaryDirectory() as folder,
        pymysql.connect(unix_socket=socket, user="root", charset="utf8mb4") as connection,
        connection.cursor() as cursor,
    ):
        path = Path(folder, "written")
        cursor.execute(
            f"{select} INTO OUTFILE '{path}' CHARACTER SET utf8mb4 {how}",
            [text for line in lines for text in line],
        )
        return path.read_bytes()


def same(rows: Rows, data: bytes) -> None:
    records = read(data)

    assert questions(records) == [(own_id, clean(title)) for own_id, title, _ in rows]
    assert not rejects(records)


@pytest.mark.parametrize(
    "how",
    [
        "FORMAT csv, HEADER",
        "FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE *",
        "FORMAT csv, HEADER, DELIMITER E'\\t'",
        "FORMAT text, HEADER",
    ],
)
@settings(max_examples=15)
@given(rows=ROWS)
def test_any_questions_come_back_from_copy(engine: Engine, how: str, rows: Rows) -> None:
    rows = [*TELLING, *rows]

    same(rows, copied(engine, rows, how))


@pytest.mark.parametrize("how", ["", "FIELDS TERMINATED BY ',' ENCLOSED BY '\"'"])
@settings(max_examples=15)
@given(rows=ROWS)
def test_any_questions_come_back_from_outfile(mariadb: str, how: str, rows: Rows) -> None:
    rows = [*TELLING, *rows]

    same(rows, into_outfile(mariadb, rows, how))
