"""Runs real proxies for tests, on ports that no other test uses."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from cli.running.service import wait_until

_FIRST, _COUNT = 10_000, 20_000
"""Below the ports that the system assigns to any process."""


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens. Parallel tests begin at other ports."""
    start = os.getpid() * 101
    ports = (_FIRST + (start + place) % _COUNT for place in range(_COUNT))
    return list(islice(filter(_is_free, ports), count))


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server that listens on *port* for the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_open(port), timeout_s=60, pause_s=0.02)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _is_open(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def nginx_places(folder: Path) -> str:
    """Return the lines of a configuration that put all files of nginx into *folder*."""
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{name}_temp_path {folder}/{name};" for name in names)
