"""What every command does alike: faults in a sentence, no traceback."""

from pathlib import Path

from tests.command import run


def test_settings_that_are_missing_are_named(home: Path) -> None:
    made = run(home, "worker")

    assert made.returncode == 1
    assert "ASKEDBEFORE_REDIS_URL" in made.stderr
