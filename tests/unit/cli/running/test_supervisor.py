"""Children that are started again, whose logs are kept, and that die with their parent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.running import signs as signs_of_life
from cli.running import supervisor as supervising
from cli.running.children import Command, end_leftovers, record
from cli.running.service import wait_until
from cli.running.signs import Knocks, Silence, Touches
from cli.running.supervisor import ChildDiedError, Supervisor, pause_s
from tests.servers.disks import filled, small_disk

SLEEPS = "import time; time.sleep(600)"


def python(name: str, program: str) -> Command:
    return Command(name=name, arguments=[sys.executable, "-c", program])


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for(what: Callable[[], bool], *, meanwhile: Callable[[], object] = int) -> None:
    """Wait until *what* is so, and do something else between two looks."""

    def looks() -> bool:
        found = what()
        if not found:
            meanwhile()
        return found

    wait_until(looks, timeout_s=60, pause_s=0.02)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(
        tmp_path / "logs", {}, written=tmp_path / "children-test.json", patience=3, say=said.append
    )
    with made:
        yield made


def test_what_dies_is_started_again_and_both_are_told(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    supervisor.launch(python("sleeper", SLEEPS))
    first = supervisor.pid("sleeper")
    os.kill(first, signal.SIGKILL)

    wait_for(lambda: supervisor.pid("sleeper") != first, meanwhile=supervisor.check)

    assert is_alive(supervisor.pid("sleeper"))
    assert said == [
        "the sleeper process was ended by SIGKILL; it is started again in 0.5 s",
        f"the sleeper process was started again, as {supervisor.pid('sleeper')}",
    ]
    assert all(line in (tmp_path / "logs" / "sleeper.log").read_text() for line in said)


def test_what_hangs_is_ended_and_started_again_however_it_hangs(
    monkeypatch: pytest.MonkeyPatch, supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:  # the patch comes first, so that it holds until the supervisor has ended
    monkeypatch.setattr(supervising, "_END_TIMEOUT_S", 0.2)
    monkeypatch.setattr(supervising, "_STOP_TIMEOUT_S", 0.2)
    # It touches its file ten times a second, and does not hear SIGTERM.
    lives = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "while True: pathlib.Path(sys.argv[1]).touch(); time.sleep(0.1)"
    )
    signs = Touches(tmp_path / "alive")
    arguments = [sys.executable, "-c", lives, str(signs.file)]
    supervisor.launch(
        Command(name="sleeper", arguments=arguments), signs=signs, silent_at_most_s=1.0
    )
    first = supervisor.pid("sleeper")
    wait_for(signs.file.exists, meanwhile=supervisor.check)
    os.kill(first, signal.SIGSTOP)

    wait_for(lambda: supervisor.pid("sleeper") != first, meanwhile=supervisor.check)

    assert not is_alive(first)
    assert said[0] == "the sleeper process has given no sign of life for 1 s: it is ended"
    assert said[2].startswith("the sleeper process was started again")


def test_a_machine_that_slept_makes_nobody_look_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 1.0, 2.0, 9_000.0, 9_001.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    signs = Touches(tmp_path / "alive")
    silence = Silence(signs)

    assert silence.lasted_s() == 0  # it has not begun
    signs.file.touch()
    assert silence.lasted_s() == 0
    assert silence.lasted_s() == 1.0  # two hours and a half passed, and one look
    assert silence.lasted_s() == 2.0


def test_a_server_that_refuses_lives_and_one_that_does_not_answer_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signs_of_life, "_KNOCK_EVERY_S", 0.001)
    answer = threading.Event()

    def refuse() -> None:
        answer.wait()
        raise ConnectionRefusedError

    silence = Silence(Knocks(refuse))
    silence.lasted_s()
    wait_for(lambda: silence.lasted_s() > 0.05)
    answer.set()

    wait_for(lambda: silence.lasted_s() == 0)


def test_pauses_grow_and_end_growing() -> None:
    assert [pause_s(n) for n in (1, 2, 3, 4, 7, 100)] == [0.5, 1, 2, 4, 30, 30]


def test_what_cannot_be_started_ends_it_with_the_reason(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_FIRST_PAUSE_S", 0.01)
    supervisor.launch(python("ill", "raise SystemExit('the disk is made of cheese')"))

    with pytest.raises(ChildDiedError, match=r"ill process ended with status 1, 4 times") as ended:
        wait_for(lambda: False, meanwhile=supervisor.check)

    assert "the disk is made of cheese" in str(ended.value)


def test_logs_are_kept_over_starts_and_do_not_grow_for_ever(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_LOG_BYTES", 1_000)
    log = tmp_path / "logs" / "talker.log"
    log.write_text("of the start before\n")
    talks = "import time\nwhile True: print('x' * 99, flush=True); time.sleep(0.005)"
    supervisor.launch(python("talker", talks))

    wait_for((log.parent / "talker.log.3").exists, meanwhile=supervisor.check)

    kept = [log, *(log.with_name(f"talker.log.{n}") for n in (1, 2, 3))]
    assert sorted(log.parent.iterdir()) == sorted(kept)
    assert all("\0" not in path.read_text() for path in kept)
    assert max(path.stat().st_size for path in kept) < 20_000


def test_stopping_asks_first_and_kills_what_does_not_listen(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_STOP_TIMEOUT_S", 0.5)
    asked = tmp_path / "asked"
    polite = (
        "import signal, sys, time, pathlib\n"
        f"signal.signal(15, lambda *_: (pathlib.Path({str(asked)!r}).touch(), sys.exit()))\n"
        "print('ready', flush=True); time.sleep(600)"
    )
    deaf = f"import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); {SLEEPS}"
    supervisor.launch(python("polite", polite))
    supervisor.launch(python("deaf", deaf))
    pids = [supervisor.pid(name) for name in ("polite", "deaf")]
    for name in ("polite", "deaf"):
        log = tmp_path / "logs" / f"{name}.log"
        wait_for(lambda log=log: "ready" in log.read_text())  # type: ignore[misc]

    supervisor.stop()

    assert asked.exists()
    assert not any(is_alive(pid) for pid in pids)
    assert not (tmp_path / "children-test.json").exists()


PARENT = """
import sys, time
from pathlib import Path
from cli.running.children import Command
from cli.running.supervisor import Supervisor
folder = Path(sys.argv[1])
with Supervisor(folder / "logs", {}, written=folder / "children-test.json") as supervisor:
    supervisor.launch(Command(name="sleeper", arguments=[sys.executable, "-c", sys.argv[2]]))
    print(supervisor.pid("sleeper"), flush=True)
    time.sleep(600)
"""


def start_parent(folder: Path, program: str) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), program], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def kill(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent, child = start_parent(tmp_path, SLEEPS)

    kill(parent)

    wait_for(lambda: not is_alive(child))


def test_what_outlives_a_killed_parent_is_ended_by_the_next_start(tmp_path: Path) -> None:
    deaf = f"import signal; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); {SLEEPS}"
    parent, child = start_parent(tmp_path, deaf)
    wait_for(lambda: "ready" in (tmp_path / "logs" / "sleeper.log").read_text())
    kill(parent)
    time.sleep(0.2)
    assert is_alive(child)
    os.kill(child, signal.SIGSTOP)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.running.children._END_TIMEOUT_S", 0.5)
        ended = end_leftovers(tmp_path)

    assert ended == [f"sleeper (process {child})"]
    assert not is_alive(child)


def test_a_process_that_got_an_old_number_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEPS]) as stranger:
        path = tmp_path / "children-test.json"
        record(path, {"worker": stranger.pid})
        written = json.loads(path.read_text())
        written["parent"][0] = 0
        written["children"][0][2] -= 100
        path.write_text(json.dumps(written))

        ended = end_leftovers(tmp_path)

        assert (ended, stranger.poll()) == ([], None)
        stranger.kill()


def test_on_a_full_disk_it_goes_on_trying_and_says_so(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervising, "_LONGEST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervising, "_ROOM_BYTES", 1 << 16)
    written = tmp_path / "children-test.json"

    with (
        small_disk(tmp_path, "1m"),
        Supervisor(tmp_path / "logs", {}, written=written, patience=1, say=said.append) as made,
    ):
        made.launch(Command(name="ill", arguments=["/bin/false"]))
        with filled(tmp_path):
            wait_for(lambda: len(said) > 8, meanwhile=made.check)
            ends = [one for one in said if "ended" in one]
            record_then = json.loads(written.read_text())
        with pytest.raises(ChildDiedError):
            wait_for(lambda: False, meanwhile=made.check)

    assert all(f"the disk of {tmp_path} is full; it is started again" in one for one in ends)
    assert [name for name, *_ in record_then["children"]] == ["ill"]


def test_a_log_that_cannot_be_kept_gives_its_room_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_LOG_BYTES", 1 << 16)

    with small_disk(tmp_path, "256k"), Supervisor(tmp_path / "logs", {}) as made:
        made.launch(Command(name="talks", arguments=[sys.executable, "-c", SLEEPS]))
        log = tmp_path / "logs" / "talks.log"
        log.write_bytes(bytes(1 << 17))
        with filled(tmp_path):
            made.check()
            left = sorted(path.name for path in log.parent.glob("talks*"))

        assert (left, log.stat().st_size) == (["talks.log"], 0)
