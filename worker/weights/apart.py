"""Work on model files apart from this process: its own process, its own lock, its own folder.

A model is read and rewritten in gigabytes. A process of its own gives them back when it ends; a
folder that holds half of it is never taken for a whole one, also when everything was killed.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from worker.process.orphans import die_with


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock in the file *path* for the block; the lock ends with this process."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # released when the file is closed
        yield


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """Give an empty *folder* for the block, and remove it with all that is left in it.

    Only one may use it at a time: hold a lock. What a killed process left in it is removed first.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Child:
    """A process beside this one."""

    def __init__(self, process: subprocess.Popen[bytes], errors: BinaryIO) -> None:
        self._process = process
        self._errors = errors

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._process.poll() is None

    def wait(self) -> tuple[int, str]:
        """Wait for its end, and return its exit code and the last line that it complained in."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return code, lines[-1] if lines else "no reason given"


@contextmanager
def beside(
    command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run *command* beside the block; it ends with the block, or with this process, at the latest.

    *environment* is added to this process' own.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},  # noqa: TID251  # handed on as it is
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509  # calls prctl, nothing else
        )
        try:
            yield Child(process, errors)
        finally:
            process.kill()  # nothing happens to one that has ended
            process.wait()
