"""`make audit` tells apart: nothing known, something known, nobody asked."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "locks" / "audit.sh"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("No known vulnerabilities found", 0, "nothing is known against it"),
        ("Found 1 known vulnerability in 1 package", 1, "Found 1 known vulnerability"),
        ("ConnectionError: no route", 0, "could not be reached, so nothing was looked up"),
    ],
)
def test_each_outcome_is_said(tmp_path: Path, answer: str, status: int, said: str) -> None:
    fake = tmp_path / "pip-audit"
    fake.write_text(f"#!/bin/sh\necho '{answer}'\n")
    fake.chmod(0o755)

    done = subprocess.run(
        ["sh", SCRIPT, tmp_path], capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == status
    assert said in done.stdout
