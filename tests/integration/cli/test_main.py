import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cli.embedded import Addresses, EmbeddedServers
from cli.home import find_running, hold
from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from db.tenants import keys


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def running_home(servers: Addresses, home: Path) -> Iterator[Path]:
    """A data folder whose service is the one that the tests run."""
    with hold(home, lambda: servers):
        yield home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={"ASKEDBEFORE_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_key_alone_stands_on_the_last_line(running_home: Path, engine: Engine) -> None:
    made = run(
        running_home,
        *("keys", "create", "--forum", "cli-cooks", "--scope", "submit", "--create-forum"),
    )

    secret = made.stdout.splitlines()[-1]
    with make_sessions(engine).begin() as session:
        key = keys.find_key(session, secret)
        assert key is not None
        assert (set(key.forums), key.scopes) == ({"cli-cooks"}, frozenset({"submit"}))


def test_a_forum_is_not_created_by_a_typing_mistake(running_home: Path) -> None:
    made = run(running_home, "keys", "create", "--forum", "coks", "--scope", "submit")

    assert made.returncode == 1
    assert "there is no forum 'coks'" in made.stderr
    assert "Traceback" not in made.stderr


def test_an_unknown_scope_is_refused_by_name(running_home: Path) -> None:
    made = run(running_home, "keys", "create", "--forum", "x", "--scope", "root", "--create-forum")

    assert made.returncode == 1
    assert "root" in made.stderr


def test_a_revoked_key_opens_nothing(running_home: Path, engine: Engine) -> None:
    arguments = ("keys", "create", "--forum", "cli-cooks", "--scope", "submit", "--create-forum")
    secret = run(running_home, *arguments).stdout.splitlines()[-1]

    revoked = run(running_home, "keys", "revoke", secret[:11])

    assert revoked.returncode == 0
    with make_sessions(engine).begin() as session:
        assert keys.find_key(session, secret) is None


def test_a_second_service_on_one_folder_is_refused(running_home: Path) -> None:
    made = run(running_home, "up")

    assert made.returncode == 1
    assert "is in use by another service" in made.stderr


def test_settings_that_are_missing_are_named(home: Path) -> None:
    made = run(home, "worker")

    assert made.returncode == 1
    assert "ASKEDBEFORE_REDIS_URL" in made.stderr


def test_the_doctor_says_what_is_missing(running_home: Path) -> None:
    made = run(running_home, "doctor")

    assert made.returncode == 1
    assert "Postgres" in made.stdout
    assert "no worker has run its models" in made.stdout


def test_embedded_servers_keep_their_data_and_start_again_in_a_long_folder(home: Path) -> None:
    folder = home / ("a rather long name of a folder " * 4).strip()
    for expected in (0, 1):
        with EmbeddedServers(folder) as servers:
            url = servers.addresses.database_url
            engine = make_engine(DatabaseSettings.model_validate({"database_url": url}))
            with engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (n int)")
                found = connection.exec_driver_sql("SELECT count(*) FROM kept").scalar_one()
                connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
            engine.dispose()
        assert found == expected


def test_a_service_that_died_is_not_taken_for_running(home: Path, servers: Addresses) -> None:
    with hold(home, lambda: servers):
        state = (home / "running.json").read_text()
        assert find_running(home) is not None

    (home / "running.json").write_text(state)

    assert find_running(home) is None
