"""``python -m tests.releases``: saves the database rows of an installation of this version.

Run it when a version is released, and commit the file. The tests then migrate these rows to every
later version. A test fails if a released version has no file.
"""

import re
import subprocess
import tomllib
from pathlib import Path

import typer
from sqlalchemy import Connection, Engine, text

from cli.running.postgres import programs
from cli.running.service import running_servers
from db.vectors import partitions
from tests.integration.db.two_forums import make_two

FOLDER = Path(__file__).parent / "data" / "releases"
FIRST = (0, 4, 0)
"""The first version with a file. Earlier versions must be upgraded to it first."""
_CHANGES = Path(__file__).parents[1] / "CHANGELOG.md"
_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_HEADING = re.compile(r"^## (\d+)\.(\d+)\.(\d+)(?!.*unreleased)", re.MULTILINE)
_SCHEMA = re.compile(r"^-- schema: (\w+)$", re.MULTILINE)
_NOT_ROWS = re.compile(r"^(SET |SELECT pg_catalog.set_config|\\|--|$)")
_QUIET = "SET session_replication_role = replica;\n"
"""No triggers: the rows contain what they have written."""


def released() -> list[str]:
    """Return the released versions from `FIRST` on."""
    found = [tuple(map(int, one)) for one in _HEADING.findall(_CHANGES.read_text("utf-8"))]
    return [".".join(map(str, one)) for one in found if one >= FIRST]


def schema_of(file: Path) -> str:
    """Return the revision of the schema that a release had."""
    (revision,) = _SCHEMA.findall(file.read_text("utf-8"))
    return str(revision)


def load(connection: Connection, file: Path) -> None:
    """Put the rows of a release into a database that has its schema."""
    connection.exec_driver_sql(file.read_text("utf-8").replace("%", "%%"))


def dump(database: str, sockets: str) -> str:
    """Return the rows of a database as SQL statements for an empty database of its schema."""
    command = [
        *(str(programs() / "pg_dump"), "--data-only", "--column-inserts"),
        *("--load-via-partition-root", "--exclude-table=alembic_version"),
        *("--host", sockets, "--username", "postgres", database),
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True)
    kept = [line for line in lines.stdout.splitlines() if not _NOT_ROWS.match(line)]
    return "\n".join(kept).replace("public.", "") + "\n"


def kept(engine: Engine) -> str:
    """Return the content of this version's file, from a database with its rows."""
    with engine.connect() as connection:
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        encoders = list(connection.scalars(text("SELECT id FROM models WHERE kind = 'bi-encoder'")))
    partitions_of = "".join(
        f"CREATE TABLE {partitions.partition(one)} PARTITION OF embeddings FOR VALUES IN ({one});\n"
        for one in encoders
    )
    url = engine.url
    rows = dump(str(url.database), str(url.query["host"]))
    return f"-- schema: {revision}\n{partitions_of}{_QUIET}{rows}"


def main() -> None:
    """Fill an empty database with one of everything and write its rows."""
    version = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]["version"]
    file = FOLDER / f"{version}.sql"
    with running_servers() as servers:
        with servers.sessions.begin() as session:
            make_two(session)
        file.write_text(kept(servers.engine), encoding="utf-8")
    typer.echo(f"{file} is written: commit it with the release")


if __name__ == "__main__":
    main()
