"""Whose a data folder is."""

import subprocess
import sys
from pathlib import Path

from cli.running.embedded import Addresses
from cli.running.home import find_running, hold


def test_a_second_service_on_one_folder_is_refused(running_home: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "cli.main", "up"],
        env={"ASKEDBEFORE_HOME": str(running_home), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert made.returncode == 1
    assert "is in use by another service" in made.stderr


def test_a_service_that_died_is_not_taken_for_running(home: Path, servers: Addresses) -> None:
    with hold(home, lambda: servers):
        state = (home / "running.json").read_text()
        assert find_running(home) is not None

    (home / "running.json").write_text(state)

    assert find_running(home) is None
