"""For work on model files: a process of its own, a lock, and a temporary folder.

Reading and rewriting a model needs gigabytes of memory; a process of its own gives them back when
it ends. A half-written model is in a temporary folder, so it is never used, even if every process
was killed.
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
    """Hold a lock on the file *path* during the block; if this process dies, the lock ends too."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)  # closing the file releases it
        yield


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """Make *folder* empty for the block, and remove it with its content afterwards.

    Files of a killed process are removed first. Only one process may use the folder at a time: hold
    a lock.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Child:
    """A process that runs beside this one."""

    def __init__(self, process: subprocess.Popen[bytes], errors: BinaryIO) -> None:
        self._process = process
        self._errors = errors

    def is_running(self) -> bool:
        """Return whether the process has not ended."""
        return self._process.poll() is None

    def wait(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and the last line of standard error."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return code, lines[-1] if lines else "no reason given"


@contextmanager
def beside(
    command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """Run *command* beside the block; it is killed at the end of the block or of this process.

    *environment* is added to this process' own.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},  # noqa: TID251  # passed on unchanged
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509  # calls prctl, nothing else
        )
        try:
            yield Child(process, errors)
        finally:
            process.kill()  # does nothing if the process has ended
            process.wait()
