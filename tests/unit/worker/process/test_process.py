"""What a process sets for itself: its pace, its pulse, its logs, and its end with its parent."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import structlog

from worker.process import pulse
from worker.process.logs import configure_logs

PACKAGES = ("db", "worker", "api", "training", "cli")


PACE = """
import gc, sys
from worker.process.pace import set_pace
set_pace()
print(sys.getswitchinterval(), gc.get_freeze_count())
"""


def test_threads_take_turns_quickly_and_what_is_loaded_is_not_collected_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PACE], capture_output=True, check=True, text=True, timeout=20
    )

    turn_s, kept = done.stdout.split()
    assert float(turn_s) == pytest.approx(0.0005)
    assert int(kept) > 1_000


class Timer:
    """Celery's timer, as far as a step uses it."""

    def __init__(self) -> None:
        self.timer = self
        self.calls: list[tuple[float, object]] = []

    def call_repeatedly(self, seconds: float, work: object) -> None:
        self.calls.append((seconds, work))


def test_a_pulse_is_fresh_from_the_start_and_is_renewed_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    worker = Timer()
    pulse.Pulse(worker).start(worker)

    seen = []
    for later in (0.0, 9.9, 10.1):
        now[0] = 1_000.0 + later
        seen.append(pulse.is_fresh())
    pulse.beat()

    assert seen == [True, True, False]
    assert pulse.is_fresh()
    assert worker.calls == [(1.0, pulse.beat)]


def test_a_pulse_is_seen_by_the_processes_of_the_pool() -> None:
    pulse.beat()
    child = os.fork()
    if child == 0:
        os._exit(0 if pulse.is_fresh() else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def logs() -> Iterator[None]:
    """Put logging back as it was."""
    names = ("", *PACKAGES)
    before = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    kept = structlog.get_config()
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    structlog.configure(**kept)


@pytest.mark.usefixtures("logs")
def test_a_log_line_is_json_with_its_event_level_and_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs()
    structlog.get_logger("worker.test").info("question.embedded", question_id=7)
    logging.getLogger("worker.test").warning("plain %s", "words")
    error = ValueError("of a test")
    logging.getLogger("db.test").error("it failed", exc_info=error)

    ours, plain, failed = map(json.loads, capsys.readouterr().err.splitlines())

    assert (ours["event"], ours["question_id"], ours["level"]) == ("question.embedded", 7, "info")
    assert (plain["event"], plain["level"]) == ("plain words", "warning")
    assert "ValueError: of a test" in failed["exception"]
    assert all(one["timestamp"].endswith("Z") for one in (ours, plain, failed))


@pytest.mark.usefixtures("logs")
def test_libraries_are_heard_when_they_warn_and_ours_from_the_level_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(level="ERROR")
    for name in ("a_library", *PACKAGES):
        for level in (logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(level, "%s %s", name, level)

    heard = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]

    assert heard == ["a_library 30", "a_library 40", *(f"{name} 40" for name in PACKAGES)]


@pytest.mark.usefixtures("logs")
def test_configured_twice_each_line_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    configure_logs()

    logging.getLogger("worker").warning("once")

    assert len(capsys.readouterr().err.splitlines()) == 1


CHILD = """
import os, signal, sys, time
from worker.process.orphans import die_with
parent = os.getppid() if sys.argv[1] == "mine" else 1
die_with(parent, signal.SIGTERM)
print("lives", flush=True)
time.sleep(30)
print("ended by itself", file=sys.stderr)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "mine"], stdout=subprocess.PIPE)
print(child.stdout.readline().decode().strip(), flush=True)
"""


def test_a_process_whose_parent_has_ended_already_ends_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "another"], capture_output=True, check=False, timeout=20
    )

    assert (done.returncode, done.stdout) == (1, b"")


def test_a_process_ends_with_its_parent() -> None:
    # The pipe of the grandchild's output closes when it ends: that is what is waited for.
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD],
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
    ) as parent:
        said, _ = parent.communicate(timeout=20)
    os.close(writing)

    assert said == "lives\n"
    assert os.read(reading, 99) == b""  # the pipe is closed, and nothing was written
    os.close(reading)
