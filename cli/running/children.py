"""Starts, records and ends child processes, which end together with this process.

On Linux the kernel signals a child when its parent ends for any reason. Children are also recorded
in a file. If some still run later, as on other systems, the next start ends them.
"""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from worker.process.orphans import die_with

_END_TIMEOUT_S = 20
RECORDS = "children-*.json"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, by user and group id."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command of a child, its user, and the signal that stops it cleanly."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    folder: Path | None = None


def spawn(command: Command, log: Path) -> subprocess.Popen[bytes]:
    """Start a child whose output is added to *log*; call it only from the main thread.

    The kernel signals the child when the thread that started it ends.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    owner = command.account
    with log.open("ab") as output:
        return subprocess.Popen(
            command.arguments,
            env=dict(command.environment),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A session of its own, so that Ctrl-C does not reach children before their parent acts.
            start_new_session=True,
            user=None if owner is None else owner.uid,
            group=None if owner is None else owner.gid,
            extra_groups=None if owner is None else [],
            # After the change of user, which resets it; it survives exec.
            preexec_fn=partial(die_with, os.getpid(), command.stop_signal),  # noqa: PLW1509
        )


def record(path: Path, pids: Mapping[str, int]) -> None:
    """Write the children of this process into a file, for the next start."""
    children = [[name, *_identity(pid)] for name, pid in pids.items() if psutil.pid_exists(pid)]
    new = path.with_name(f"{path.name}.new")  # a full disk leaves the earlier file as it was
    new.write_text(json.dumps({"parent": _identity(os.getpid()), "children": children}))
    new.replace(path)


def _identity(pid: int) -> tuple[int, float]:
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, 0.0


def end_leftovers(folder: Path) -> list[str]:
    """End processes that earlier starts on *folder* left running, and return their names.

    Call it only while holding the folder. Children of this process are not ended.
    """
    names = []
    for path in folder.glob(RECORDS):
        for name, process in _left(path):
            end(process)
            names.append(f"{name} (process {process.pid})")
    return names


def _left(path: Path) -> Iterator[tuple[str, psutil.Process]]:
    try:
        written = json.loads(path.read_text())
    except ValueError:  # the process was killed while it wrote the file
        return
    if written["parent"][0] == os.getpid():
        return
    for name, pid, created in written["children"]:
        if psutil.pid_exists(pid) and _identity(pid) == (pid, created):
            yield name, psutil.Process(pid)


def end(process: psutil.Process, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask a process to stop, and kill it with its own children when it does not."""
    try:
        family = [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        _, alive = psutil.wait_procs([process], _END_TIMEOUT_S)
        for one in family if alive else family[1:]:
            if one.is_running():
                one.kill()
        psutil.wait_procs(family, _END_TIMEOUT_S)
    except psutil.NoSuchProcess:
        return
