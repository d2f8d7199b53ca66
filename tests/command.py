"""Runs commands as a shell would, but in the process of the test."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command: its status and its output."""

    returncode: int
    stdout: str
    stderr: str


def run(home: Path, *arguments: str) -> Ran:
    """Run ``askedbefore ARGUMENTS`` on a data folder, in a wide window."""
    out, err = io.StringIO(), io.StringIO()
    with _environment(home, arguments), redirect_stdout(out), redirect_stderr(err):
        status = _status_of_main()
    return Ran(status, out.getvalue(), err.getvalue())


@contextmanager
def _environment(home: Path, arguments: tuple[str, ...]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["askedbefore", *arguments])
        patch.setenv("ASKEDBEFORE_HOME", str(home))
        patch.setenv("COLUMNS", "200")
        yield


def _status_of_main() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
