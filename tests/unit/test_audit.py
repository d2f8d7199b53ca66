"""`make audit` tells apart: nothing known, something known, nobody asked, and why."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "locks" / "audit.sh"


def audit(
    folder: Path, answer: str | None, *, reached: str = "exit 0", limit_s: int = 30
) -> tuple[int, str]:
    """Run the script with stand-ins for Python and pip-audit; return its status and words."""
    for name, does in (("python", reached), ("bin/pip-audit", answer)):
        if does is None:
            continue
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
    done = subprocess.run(
        ["sh", SCRIPT, folder / "python", folder],
        capture_output=True, text=True, check=False, timeout=30,
        env={"PATH": "/usr/bin:/bin", "AUDIT_LIMIT_S": str(limit_s)},
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("No known vulnerabilities found", 0, "nothing is known against it"),
        ("Found 1 known vulnerability in 1 package", 1, "Found 1 known vulnerability"),
        ("ConnectionError: no route", 0, "nothing more was looked up: ConnectionError: no route"),
        (
            "No known vulnerabilities found; x: Dependency could not be audited: x (1)",
            0,
            "does not know some packages",
        ),
    ],
)
def test_each_outcome_is_said(tmp_path: Path, answer: str, status: int, said: str) -> None:
    found, told = audit(tmp_path, f"echo '{answer}'")

    assert (found, said in told) == (status, True), told


def test_what_is_known_stays_known_when_the_next_answer_fails(tmp_path: Path) -> None:
    fails_later = f"[ -e {tmp_path}/second ] && exit 3; touch {tmp_path}/second"
    status, told = audit(tmp_path, f"{fails_later}; echo 'Found 2 known vulnerabilities'")

    assert status == 1
    assert "nothing more was looked up" in told


def test_a_database_that_cannot_be_reached_is_named_and_nothing_is_installed(
    tmp_path: Path,
) -> None:
    status, told = audit(tmp_path, "exit 9", reached="echo 'no such name'; exit 1")

    assert status == 0
    assert "(api.osv.dev) cannot be reached from here: no such name" in told


def test_it_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    status, told = audit(tmp_path, "exec sleep 20", limit_s=1)

    assert status == 0
    assert "took longer than the 1 s" in told


def test_a_pip_audit_that_cannot_be_installed_is_said(tmp_path: Path) -> None:
    fails = '[ "$1" = "-m" ] && exit 1; exit 0'
    status, told = audit(tmp_path, None, reached=fails)

    assert status == 0
    assert "could not be installed" in told
