"""`askedbefore forums`."""

import json
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.command import run
from tests.integration.worker.adapting.test_calibrating import make_pairs
from tests.rows.factories import make_forum, save_questions

Factory = sessionmaker[Session]


def test_the_command_says_what_it_would_do_and_does_it(
    running_home: Path, committed: Factory
) -> None:
    with committed.begin() as session:
        make_pairs(session, 300, 40, shift=-2.0)

    dry = run(running_home, "forums", "recalibrate", "cooks", "--dry-run")
    done = run(running_home, "forums", "recalibrate", "cooks")
    again = run(running_home, "forums", "recalibrate", "cooks")
    back = run(running_home, "forums", "recalibrate", "cooks", "--reset")

    assert "40 undecided pairs would be scored again" in dry.stdout
    assert "Brier score" in dry.stdout
    assert "40 undecided pairs scored again" in done.stdout, done.stderr
    assert again.returncode == 1
    assert "already fitted to these decisions" in again.stderr
    assert "Back to the model's own: 40 undecided pairs scored again" in back.stdout


def test_a_forum_moves_to_another_installation(
    running_home: Path, committed: Factory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The other one is a folder of its own, whose servers each command starts."""
    file = str(tmp_path_factory.mktemp("moved") / "cooks.forum")
    with committed.begin() as session:
        save_questions(session, make_forum(session, "cooks"), "How long does dough rest?")
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        there = Path(folder)

        out = run(running_home, "forums", "export", "cooks", file, "--json")
        twice = run(running_home, "forums", "export", "cooks", file)
        came = run(there, "forums", "import", file, "--as", "bakers", "--json")
        listed = run(there, "forums", "list", "--json")

    assert json.loads(out.stdout)["rows"]["questions"] == 1, out.stderr
    assert (twice.returncode, "exists already" in twice.stderr) == (1, True)
    assert json.loads(came.stdout)["rows"] == json.loads(out.stdout)["rows"], came.stderr
    assert [one["name"] for one in json.loads(listed.stdout)] == ["bakers"]
