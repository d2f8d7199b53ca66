"""`askedbefore doctor`."""

from pathlib import Path

from tests.command import run


def test_the_doctor_says_what_is_missing(running_home: Path) -> None:
    made = run(running_home, "doctor")

    assert made.returncode == 1
    assert "Postgres" in made.stdout
    assert "no worker has" in made.stdout
