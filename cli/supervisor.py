"""Runs the service's processes as children, and stops them in order."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from db.errors import ServiceError

_STOP_TIMEOUT_S = 30
_LOG_TAIL = 2_000


class ChildDiedError(ServiceError):
    """A process of the service ended by itself."""


class Supervisor:
    """Children of this process, stopped in the order they were started when it leaves the block."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = {**os.environ, **environment}  # noqa: TID251  # children inherit it
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start ``askedbefore ARGUMENTS`` with its output in a log of its own."""
        with (self._logs / f"{name}.log").open("wb") as log:
            # A session of its own, or Ctrl-C would hit the children before their parent can act.
            self._children[name] = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def pid(self, name: str) -> int:
        """Return the process id of a child."""
        return self._children[name].pid

    def check(self) -> None:
        """Raise `ChildDiedError` with the end of its log when a child has ended."""
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ChildDiedError(
                    f"the {name} process ended with status {child.returncode};"
                    f" the end of its log:\n{self.log_tail(name)}"
                )

    def log_tail(self, name: str) -> str:
        """Return the end of a child's log, and where the rest is."""
        path = self._logs / f"{name}.log"
        return f"{path.read_text(encoding='utf-8', errors='replace')[-_LOG_TAIL:]}\n({path})"

    def stop(self) -> None:
        """Ask every child to finish what it is at, then end what does not."""
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._children.clear()
