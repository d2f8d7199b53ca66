"""Starts the syncs that are due, each in a process of its own.

The process is the command `askedbefore sync run`. It claims the due syncs, so only one of several
workers does them. A worker only checks what is due; it never reads a file or a forum's database
itself.
"""

import subprocess
import sys
from collections.abc import Sequence

import structlog

from db.engine import Sessions
from db.imports import syncs

_COMMAND = (sys.executable, "-m", "cli.main", "sync", "run")
_running: list[subprocess.Popen[bytes]] = []

log = structlog.get_logger()


def start_due(sessions: Sessions, command: Sequence[str] = _COMMAND) -> bool:
    """Start a process for the due syncs, unless one is running; return whether it was started."""
    _running[:] = [one for one in _running if one.poll() is None]
    if _running:
        return False
    with sessions.begin() as session:
        if not syncs.is_due(session):
            return False
    _running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
    log.info("sync.started")
    return True
