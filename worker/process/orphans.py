"""Processes that end with their parent; this needs Linux."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel send *number* to this process when its parent *parent* ends; survives exec.

    For the kernel the parent ends when the thread that started this process ends.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:  # the parent ended before prctl
        os._exit(1)
