"""Runs the service's processes as children: restarts them, keeps their logs, and stops them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from cli.running.children import Command, record, spawn
from cli.running.signs import Signs, Silence, Touches
from db.errors import ServiceError

ALIVE_FILE = "ASKEDBEFORE_ALIVE_FILE"
_STOP_TIMEOUT_S = 30
_END_TIMEOUT_S = 20
_LOG_TAIL = 2_000
_LOG_BYTES = 10 * 1024 * 1024
_LOGS_KEPT = 3
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_ROOM_BYTES = 64 * 1024 * 1024
"""With less free space on its disk, a server may end at each start."""
_STEADY_S = 60.0
"""After so long without an end, earlier failures of a child are forgotten."""


class ChildDiedError(ServiceError):
    """A process of the service ended by itself too often."""


@dataclass(slots=True)
class _Child:
    command: Command
    process: subprocess.Popen[bytes]
    started_at: float
    silence: Silence | None = None
    silent_at_most_s: float = 0.0
    failures: int = 0
    due_at: float | None = None
    """When the child will be started again (monotonic clock); None while it runs."""


def pause_s(failures: int) -> float:
    """Return the seconds to wait before a child with *failures* in a row is started again."""
    return min(_FIRST_PAUSE_S * 2.0 ** (failures - 1), _LONGEST_PAUSE_S)


class Supervisor:
    """Children of this process; they are stopped when it leaves the block.

    *patience* is how often in a row a child may end soon after its start. *say* gets a message at
    every end and every new start. *written* is the file with the children for the next start.
    """

    def __init__(
        self,
        logs: Path,
        environment: Mapping[str, str],
        *,
        written: Path | None = None,
        patience: int = 2,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.logs = logs
        self._environment = {**os.environ, **environment}  # noqa: TID251  # children inherit it
        self._written = written
        self.patience = patience
        self._say = say
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        signs: Signs | None = None,
        silent_at_most_s: float = 0.0,
    ) -> None:
        """Start ``askedbefore ARGUMENTS`` with its output in a log of its own; see `launch`."""
        given = self._environment
        if isinstance(signs, Touches):
            given = {**given, ALIVE_FILE: str(signs.file)}
        python = [sys.executable, "-m", "cli.main", *arguments]
        command = Command(name=name, arguments=python, environment=given)
        self.launch(command, signs=signs, silent_at_most_s=silent_at_most_s)

    def launch(
        self, command: Command, *, signs: Signs | None = None, silent_at_most_s: float = 0.0
    ) -> None:
        """Start a child with its output in a log of its own.

        With *signs*, `check` ends the child when it has given no sign of life for
        *silent_at_most_s* seconds.
        """
        silence = None if signs is None else Silence(signs)
        process = self._spawn(command)
        self._children[command.name] = _Child(
            command, process, time.monotonic(), silence, silent_at_most_s
        )
        self._write_down()

    def pid(self, name: str) -> int:
        """Return the process id of a child."""
        return self._children[name].process.pid

    def check(self) -> None:
        """Start children again that have ended, after a pause that grows with each failure.

        A child that runs without a sign of life is ended first.

        Raises `ChildDiedError` with the end of its log if a child has failed too often in a row. On
        a full disk it waits and does not raise.
        """
        for child in self._children.values():
            self._trim_log(child.command.name)
            if child.due_at is not None:
                if time.monotonic() >= child.due_at:
                    self._start_again(child)
            elif child.process.poll() is not None:
                self._mourn(child)
            elif child.silence and child.silence.lasted_s() > child.silent_at_most_s:
                self._end_silent(child)

    def has_ended(self, name: str) -> bool:
        """Return whether a child has ended by itself."""
        child = self._children[name]
        return child.due_at is not None or child.process.poll() is not None

    def _end_silent(self, child: _Child) -> None:
        name = child.command.name
        self._tell(
            name,
            f"the {name} process has given no sign of life for {child.silent_at_most_s:.0f} s:"
            " it is ended",
        )
        family = psutil.Process(child.process.pid).children(recursive=True)
        for one in (child.process, *family):
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                one.send_signal(signal.SIGCONT)  # it may be suspended
        child.process.send_signal(child.command.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(_END_TIMEOUT_S)
        for one in (child.process, *family):
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                one.kill()
        child.process.wait()

    def _mourn(self, child: _Child) -> None:
        name, lived_s = child.command.name, time.monotonic() - child.started_at
        child.failures = 1 if lived_s >= _STEADY_S else child.failures + 1
        how = _how(child.process.returncode)
        if shutil.disk_usage(self.logs).free < _ROOM_BYTES:
            how += f" while the disk of {self.logs.parent} is full"
        elif child.failures > self.patience:
            raise ChildDiedError(
                f"the {name} process {how}, {child.failures} times in a row."
                f" The end of its log:\n{self.log_tail(name)}"
            )
        wait_s = pause_s(child.failures)
        child.due_at = time.monotonic() + wait_s
        self._tell(name, f"the {name} process {how}; it is started again in {wait_s:g} s")

    def _start_again(self, child: _Child) -> None:
        child.process, child.due_at = self._spawn(child.command), None
        child.started_at = time.monotonic()
        if child.silence is not None:
            child.silence.end()
        self._write_down()
        name = child.command.name
        self._tell(name, f"the {name} process was started again, as {child.process.pid}")

    def _spawn(self, command: Command) -> subprocess.Popen[bytes]:
        return spawn(command, self._log(command.name))

    def _tell(self, name: str, sentence: str) -> None:
        note_in(self._log(name), f"askedbefore up: {sentence}")
        self._say(sentence)

    def _write_down(self) -> None:
        if self._written is None:
            return
        with suppress(OSError):  # on a full disk the earlier file stays
            record(self._written, {name: self.pid(name) for name in self._children})

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _trim_log(self, name: str) -> None:
        # Copied and emptied, because the child goes on writing to the same file.
        path = self._log(name)
        if path.stat().st_size < _LOG_BYTES:
            return
        for number in range(_LOGS_KEPT - 1, 0, -1):
            older = path.with_name(f"{path.name}.{number}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.{number + 1}"))
        newest = path.with_name(f"{path.name}.1")
        try:
            shutil.copyfile(path, newest)
        except OSError:  # no room for a copy: emptying this log makes room
            newest.unlink(missing_ok=True)
        os.truncate(path, 0)

    def log_tail(self, name: str) -> str:
        """Return the end of a child's log, and where the rest is."""
        path = self._log(name)
        return f"{path.read_text(encoding='utf-8', errors='replace')[-_LOG_TAIL:]}\n({path})"

    def stop(self) -> None:
        """Ask every child to finish, then end those that do not."""
        running = [c for c in self._children.values() if c.process.poll() is None]
        for child in running:
            child.process.send_signal(child.command.stop_signal)
        for child in running:
            try:
                child.process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        if self._children and self._written is not None:
            self._written.unlink(missing_ok=True)
        self._children.clear()


def note_in(log: Path, sentence: str) -> None:
    """Add a sentence with the time to a log. A full disk raises no error."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{now} {sentence}\n")


def _how(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
