"""`askedbefore forums`."""

from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from tests.command import run
from tests.integration.worker.live.test_calibrating import make_pairs

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
    assert "not be clearly better" in again.stderr
    assert "Back to the model's own: 40 undecided pairs scored again" in back.stdout
