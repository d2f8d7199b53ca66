"""Reports to a supervisor that a process works: by a file's time and by systemd's watchdog.

A process that hangs, or whose models no longer run, reports nothing, so the supervisor starts it
again.
"""

import os
import socket
from pathlib import Path

_NOTIFY = "NOTIFY_SOCKET"


def tell(file: Path | None) -> None:
    """Touch *file*, and report to systemd that this process works, if systemd started it."""
    if file is not None:
        file.touch()
    notify("READY=1\nWATCHDOG=1")


def notify(message: str) -> None:
    """Send *message* to systemd as sd_notify(3) does; does nothing without systemd."""
    address = os.environ.get(_NOTIFY)  # noqa: TID251  # systemd's interface, not our setting
    if not address:
        return
    where = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(message.encode(), where)
        except OSError:
            return
