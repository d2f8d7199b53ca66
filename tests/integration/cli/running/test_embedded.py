"""Postgres and Redis out of wheels."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cli.running import postgres
from cli.running.embedded import EmbeddedServers
from cli.running.service import settings_of
from db.engine import make_engine


def test_embedded_servers_keep_their_data_and_start_again_in_a_long_folder(home: Path) -> None:
    folder = home / ("a rather long name of a folder " * 4).strip()
    for expected in (0, 1):
        with EmbeddedServers(folder) as servers:
            engine = make_engine(settings_of(servers.addresses.database_url))
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (n int)")
                found = connection.exec_driver_sql("SELECT count(*) FROM kept").scalar_one()
                connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
            engine.dispose()
        assert found == expected


_NOBODY = 65_534
_PROGRAM = """
import sys
from pathlib import Path
from cli.running import postgres
from cli.running.embedded import EmbeddedServers
with EmbeddedServers(Path(sys.argv[1])) as servers:
    print(postgres.ask(Path(sys.argv[1]) / "postgres", "SELECT current_setting('data_directory')"))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_plain_user_starts_them_with_a_bare_path_beside_another_postgres(home: Path) -> None:
    root = str(Path(__file__).parents[4])
    folder = home / "data of a plain user"
    folder.mkdir()
    for path in (home, folder):
        os.chown(path, _NOBODY, _NOBODY)
    given = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": root}
    as_nobody: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # the user exists already
            other.bind(("127.0.0.1", postgres.PORT))
            other.listen()
        command = [sys.executable, "-c", _PROGRAM, str(folder)]
        try:
            done = subprocess.run(
                command,
                env=given,
                cwd="/",
                check=False,
                capture_output=True,
                text=True,
                **as_nobody,
            )
        except PermissionError:
            pytest.skip("nobody may not run the Python of these tests")

    assert done.stdout.strip() == str(folder / "postgres"), done.stderr
    assert (folder / "postgres").stat().st_uid == _NOBODY
