"""Reports to a supervisor that a process works: by a file's time and systemd's watchdog.

A process that hangs, or whose models no longer run, reports nothing, and is started again.
"""

import os
import socket
from pathlib import Path

_NOTIFY = "NOTIFY_SOCKET"


def tell(file: Path | None) -> None:
    """Touch *file*, and report to systemd, if it started this process, that it works."""
    if file is not None:
        file.touch()
    notify("READY=1\nWATCHDOG=1")


def notify(message: str) -> None:
    """Send *message* to systemd as sd_notify(3) does; without systemd nothing happens."""
    address = os.environ.get(_NOTIFY)  # noqa: TID251  # systemd's interface, not a setting of ours
    if not address:
        return
    where = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(message.encode(), where)
        except OSError:
            return
