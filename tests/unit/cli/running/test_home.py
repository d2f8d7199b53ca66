"""A data folder has one owner, whose address other commands find, and who is named to the next."""

import os
from pathlib import Path

import pytest

from cli.running import home
from cli.running.embedded import Addresses
from cli.running.home import (
    FolderInUseError,
    Holder,
    Running,
    data_folder,
    environment,
    find_holder,
    find_running,
    hold,
    is_held,
    secret_key,
)

FOUND = Addresses(database_url="postgresql://db", redis_url="unix://redis")
RUNNING = Running("postgresql://db", "unix://redis", "key")


def test_a_folder_that_was_never_used_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert find_running(tmp_path) is None
    assert find_holder(tmp_path) is None


def test_while_it_is_held_others_find_the_service_and_its_owner(tmp_path: Path) -> None:
    with hold(tmp_path / "data", lambda: FOUND, url="http://127.0.0.1:8000") as running:
        folder = tmp_path / "data"
        holder = find_holder(folder)
        found = find_running(folder)

    assert found == running
    assert (running.database_url, running.redis_url) == (FOUND.database_url, FOUND.redis_url)
    assert holder is not None
    assert (holder.pid, holder.url) == (os.getpid(), "http://127.0.0.1:8000")
    assert find_running(folder) is None
    assert not is_held(folder)


def test_a_second_owner_is_refused_and_told_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "_LOCK_TIMEOUT_S", 0)

    with (
        hold(tmp_path, lambda: FOUND),
        pytest.raises(FolderInUseError, match=f"process {os.getpid()}"),
        hold(tmp_path, lambda: FOUND),
    ):
        pass


def test_servers_that_do_not_start_leave_the_folder_free(tmp_path: Path) -> None:
    def fails() -> Addresses:
        raise OSError

    with pytest.raises(OSError), hold(tmp_path, fails):  # noqa: PT011  # any
        pass

    assert not is_held(tmp_path)
    assert find_running(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[1]", b"\xff", b"[1, 2, 3]", b"7"])
def test_a_lock_that_tells_nothing_is_still_a_lock(tmp_path: Path, content: bytes) -> None:
    with hold(tmp_path, lambda: FOUND):
        (tmp_path / "lock").write_bytes(content)

        with pytest.raises(FolderInUseError, match="another process"):
            find_holder(tmp_path)


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        (Holder(pid=7, command="up", since="noon", url=None), "`askedbefore down` ends it"),
        (
            Holder(pid=7, command="import", since="noon"),
            "process 7 (askedbefore import) since noon",
        ),
        (None, "another process"),
    ],
)
def test_who_is_in_the_way_is_named(holder: Holder | None, said: str) -> None:
    error = str(FolderInUseError(Path("/data"), holder))

    assert said in error
    assert ("down" in error) == (holder is not None and holder.command == "up")


def test_an_address_stands_in_the_name_of_the_owner() -> None:
    named = str(Holder(pid=7, command="up", since="noon", url="http://127.0.0.1:8000"))

    assert "which listens on http://127.0.0.1:8000" in named


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = secret_key(tmp_path)

    assert secret_key(tmp_path) == first
    assert len(first) >= 32
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_the_folder_is_the_chosen_one_then_the_configured_then_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASKEDBEFORE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "me"))

    assert data_folder(None) == tmp_path / "xdg" / "askedbefore"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert data_folder(None) == tmp_path / "me" / ".local" / "share" / "askedbefore"
    monkeypatch.setenv("ASKEDBEFORE_HOME", "~/kept")
    assert data_folder(None) == tmp_path / "me" / "kept"
    assert data_folder(tmp_path / "a" / ".." / "b") == tmp_path / "b"


def test_processes_get_the_service_by_their_environment() -> None:
    values = environment(RUNNING)

    assert all(name.startswith("ASKEDBEFORE_") for name in values)
    assert sorted(values.values()) == ["key", "postgresql://db", "unix://redis"]
