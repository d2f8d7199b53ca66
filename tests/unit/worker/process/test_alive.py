"""A process tells its supervisor that it works, by a file and by systemd's socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.process.alive import notify, tell


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield heard


def test_systemd_hears_that_the_process_is_ready_and_works(systemd: socket.socket) -> None:
    tell(None)

    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"


def test_an_abstract_socket_is_heard_too(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"askedbefore-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        heard.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")

        notify("STATUS=well")

        assert heard.recv(100) == b"STATUS=well"


def test_the_file_is_made_and_its_time_moves_on(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    tell(file)
    os.utime(file, (0, 0))

    tell(file)

    assert file.stat().st_mtime > 0
    assert file.read_bytes() == b""


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@askedbefore-nobody-listens"])
def test_without_systemd_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    before = open_files()

    tell(None)

    assert open_files() == before
