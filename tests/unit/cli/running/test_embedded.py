"""Embedded servers: sockets with short paths, folders of nobody else, data of the right version."""

import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.running import embedded, postgres
from cli.running.embedded import EmbeddedServers, redis_command
from cli.running.postgres import EmbeddedServerError
from cli.running.service import WaitedTooLongError, held_port, wait_until

LONGEST = 107
"""Bytes of a socket's path, for the kernel."""


@given(st.text("ab \u00e9/", min_size=1, max_size=200))
def test_a_socket_has_a_short_path_wherever_the_data_are(name: str) -> None:
    folder = Path("/data") / name.strip("/") / "redis"

    place = embedded._short(folder, "redis", "redis.sock")  # noqa: SLF001  # pure

    assert len(os.fsencode(place / "redis.sock")) < LONGEST
    assert place == folder or place.parent == Path(tempfile.gettempdir())
    assert place == embedded._short(folder, "redis", "redis.sock")  # noqa: SLF001


def test_two_data_folders_never_share_a_socket() -> None:
    long = "x" * 120
    places = {
        embedded._short(Path(f"/{long}{n}/{name}"), name, "s")  # noqa: SLF001
        for n in range(3)
        for name in ("redis", "postgres")
    }

    assert len(places) == 6


@pytest.mark.parametrize("name", ["data", "my data", "50%", "a&b=c", "d\u00fcp", "x" * 150])
def test_addresses_lead_to_the_sockets_whatever_the_folder_is_called(name: str) -> None:
    servers = EmbeddedServers(Path("/srv") / name)

    found = servers.addresses

    query = parse_qs(urlsplit(found.database_url).query)
    assert query["host"] == [str(servers._postgres_sockets)]  # noqa: SLF001  # where it listens
    assert unquote(found.redis_url.removeprefix("unix://")) == str(servers._redis_socket)  # noqa: SLF001


def test_a_folder_in_the_temporary_folder_is_ours_or_refused(tmp_path: Path) -> None:
    mine, open_to_all, link = (tmp_path / name for name in ("mine", "open", "link"))
    embedded._own(mine, None)  # noqa: SLF001  # it makes a folder
    embedded._own(mine, None)  # noqa: SLF001  # twice is no fault
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    link.symlink_to(mine)

    assert mine.stat().st_mode & 0o777 == 0o700
    for other in (open_to_all, link):
        with pytest.raises(EmbeddedServerError, match="remove it"):
            embedded._own(other, None)  # noqa: SLF001


def test_redis_keeps_nothing_and_listens_nowhere_else() -> None:
    words = redis_command(Path("/data/redis"), Path("/data/redis/redis.sock")).arguments
    options = dict(zip(words[1::2], words[2::2], strict=True))

    assert (options["--port"], options["--save"], options["--appendonly"]) == ("0", "", "no")
    assert options["--unixsocket"] == "/data/redis/redis.sock"


def test_postgres_listens_on_its_socket_alone() -> None:
    words = list(postgres.command(Path("/data/pg"), Path("/run/pg"), None).arguments)

    assert words[words.index("-k") + 1] == "/run/pg"
    assert "listen_addresses=" in words
    assert words[words.index("-D") + 1] == "/data/pg"


def test_a_folder_with_other_things_is_never_taken_for_data(tmp_path: Path) -> None:
    empty, other, made = (tmp_path / name for name in ("empty", "other", "made"))
    for folder in (empty, other, made):
        folder.mkdir()
    (other / "photo.jpg").touch()
    (made / "PG_VERSION").write_text("18\n")

    assert not postgres._is_made(tmp_path / "none")  # noqa: SLF001  # of folders alone
    assert not postgres._is_made(empty)  # noqa: SLF001
    assert not empty.exists()
    assert postgres._is_made(made)  # noqa: SLF001
    with pytest.raises(EmbeddedServerError, match="move it away"):
        postgres._is_made(other)  # noqa: SLF001
    assert (other / "photo.jpg").exists()


@pytest.mark.parametrize(("version", "is_ours"), [("18\n", True), ("17\n", False), ("", False)])
def test_data_of_another_version_are_refused_with_the_way_to_move_them(
    tmp_path: Path, version: str, is_ours: bool
) -> None:
    (tmp_path / "PG_VERSION").write_text(version)

    if is_ours:
        postgres._check_version(tmp_path)  # noqa: SLF001  # of a file alone
    else:
        with pytest.raises(EmbeddedServerError, match="askedbefore backup"):
            postgres._check_version(tmp_path)  # noqa: SLF001


@pytest.mark.parametrize(
    "content",
    ["", "abc\n", f"{2**22 + 1}\n", f"{os.getpid()}\n/data\n"],
    ids=["empty", "no number", "no process", "no server"],
)
def test_a_lock_file_of_no_server_is_removed_and_nobody_is_ended(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "postmaster.pid").write_text(content)

    postgres._end_leftover(tmp_path)  # noqa: SLF001  # this process goes on

    assert not (tmp_path / "postmaster.pid").exists()


def test_a_port_is_held_for_one_server() -> None:
    with held_port() as port, held_port() as other:
        assert port != other
        with held_port(0) as third:
            assert third not in {port, other}


def test_waiting_ends_when_it_is_true_or_when_it_was_too_long() -> None:
    answers = iter([False, False, True])

    wait_until(lambda: next(answers), timeout_s=60, pause_s=0)

    with pytest.raises(WaitedTooLongError, match="within 0 s"):
        wait_until(lambda: False, timeout_s=0, pause_s=0)
    assert next(answers, None) is None
