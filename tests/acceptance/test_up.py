"""`askedbefore up` as people run it: in the background, with a bare path, and with spaces."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from cli.running.service import answers, wait_until
from tests.command import Ran, run

START_S = 240.0
FORUM = "quokkas"
PROCESSES = ("postgres", "redis", "api", "worker", "beat")
ASKED = "Would a zanzibar-quokka ever ask this question"
STORED = "Where do I buy a periwinkle-yurt with a stove"


@dataclass(slots=True)
class Up:
    """An `askedbefore up` on a data folder; its output goes beside that."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return str(json.loads((self.folder / "lock").read_text())[3])

    @property
    def output(self) -> str:
        return (self.folder.parent / "out").read_text()

    def run(self, *arguments: str) -> Ran:
        """Run a command on the same folder, in this process."""
        return run(self.folder, *arguments)

    def refused(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another ``up`` to its end, in a process of its own: it sets how signals are heard."""
        return subprocess.run(
            [*command("up", *arguments), "--data", str(self.folder)],
            env=bare(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start it as `nohup` does, and wait until the service is ready."""
        given = [
            "nohup",
            *command("up", "--no-sample", "--profile", "fast"),
            "--data",
            str(self.folder),
        ]
        with (self.folder.parent / "out").open("ab") as out:
            out.truncate(0)
            self.process = subprocess.Popen(
                given, env=bare(), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        wait_until(self.is_ready, timeout_s=START_S)
        return self.process

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output
        return "The service listens on" in self.output

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def pids(self) -> dict[str, int]:
        """Return the processes that are written down, by name."""
        found = {}
        for path in self.folder.glob("children-*.json"):
            with suppress(ValueError):  # just being written
                found.update(
                    {name: pid for name, pid, _ in json.loads(path.read_text())["children"]}
                )
        return found

    def client(self) -> httpx2.Client:
        made = self.run("keys", "create", "--forum", FORUM, "--create-forum", "--scope", "submit")
        headers = {"Authorization": f"Bearer {made.stdout.split()[-1]}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", *arguments]


def bare() -> dict[str, str]:
    """Return an environment with a path that lacks /usr/sbin, and no session of a desktop."""
    root = str(Path(__file__).parents[2])
    return {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "PYTHONPATH": root}


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        Path(folder).chmod(0o700)
        made = Up(Path(folder) / "a forum's data")
        made.start()
        yield made
        if made.process is not None and made.process.poll() is None:
            made.process.terminate()
            made.process.wait(60)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_that_dies_is_started_again(up: Up, name: str) -> None:
    before = up.pids()[name]

    os.kill(before, signal.SIGKILL)

    wait_until(lambda: up.pids().get(name, before) != before, timeout_s=30)
    wait_until(lambda: answers(up.url), timeout_s=60)
    log = (up.folder / "logs" / "up.log").read_text()
    assert f"the {name} process was ended by SIGKILL; it is started again in 0.5 s" in log
    assert f"the {name} process was started again, as {up.pids()[name]}" in log
    assert f"the {name} process was started again" in up.output


def test_without_the_sample_there_is_no_forum_and_it_says_how_to_make_one(up: Up) -> None:
    refused = up.run("keys", "create", "--forum", "sample", "--scope", "submit")

    assert refused.returncode == 1
    assert "keys create --forum NAME --create-forum --scope submit" in up.output
    assert f"people link YOU --url {up.url}" in up.output


def test_questions_are_checked_after_all_that(up: Up) -> None:
    with up.client() as client:
        path = "/v1/forums/quokkas/questions/yurt"
        client.put(path, json={"title": STORED}).raise_for_status()
        wait_until(lambda: client.get(path).json()["state"] == "done", timeout_s=60)


def test_a_second_start_names_the_process_that_has_the_data(up: Up) -> None:
    refused = up.refused()

    assert up.process is not None
    assert refused.returncode == 1
    assert (
        f"process {up.process.pid} (askedbefore up), which listens on {up.url}," in refused.stderr
    )
    assert "askedbefore down" in refused.stderr


def test_a_port_that_is_taken_is_never_exchanged_without_a_word(up: Up) -> None:
    port = up.url.rpartition(":")[2]
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as other:
        refused = Up(Path(other)).refused("--port", port)

    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr


def test_a_text_that_was_asked_about_is_nowhere_on_disk(up: Up) -> None:
    worker = up.pids()["worker"]
    with up.client() as client:
        answered = client.post("/v1/forums/quokkas/check", json={"title": ASKED, "body": ASKED})
        os.killpg(worker, signal.SIGSTOP)
        unanswered = client.post("/v1/forums/quokkas/check", json={"title": ASKED})
        os.killpg(worker, signal.SIGCONT)
        wait_until(lambda: answers(up.url), timeout_s=60)

    assert (answered.status_code, unanswered.status_code) == (200, 503)
    files = [path for path in up.folder.rglob("*") if path.is_file()]
    assert any(b"periwinkle-yurt" in path.read_bytes() for path in files)  # it would be found
    assert [path for path in files if b"zanzibar-quokka" in path.read_bytes().lower()] == []


def test_when_it_is_killed_nothing_of_it_goes_on_and_the_data_stay(up: Up) -> None:
    assert up.process is not None
    pids = up.pids()
    family = [child.pid for child in psutil.Process(up.process.pid).children(recursive=True)]
    os.kill(pids["beat"], signal.SIGSTOP)  # a process that cannot react to SIGTERM

    up.kill()

    others = set(family) - {pids["beat"]}
    wait_until(lambda: not any(is_alive(pid) for pid in others), timeout_s=30)
    up.start()
    assert not is_alive(pids["beat"])
    assert f"an earlier start had left: beat (process {pids['beat']})" in up.output
    with up.client() as client:
        assert client.get("/v1/forums/quokkas/questions/yurt").json()["state"] == "done"


def test_down_ends_all_of_it_and_a_second_one_finds_nothing(up: Up) -> None:
    assert up.process is not None
    family = psutil.Process(up.process.pid).children(recursive=True)

    ended, again = up.run("down"), up.run("down")

    assert (ended.returncode, again.returncode, up.process.wait(60)) == (0, 0, 0)
    assert f"process {up.process.pid} (askedbefore up)" in ended.stdout
    assert "Nothing runs on" in again.stdout.replace("\n", " ")
    wait_until(lambda: not any(is_alive(one.pid) for one in family), timeout_s=30)


def test_a_folder_above_the_data_is_not_opened_for_reading(up: Up) -> None:
    assert up.folder.parent.stat().st_mode & 0o066 == 0


def test_sigterm_ends_it_as_down_does(up: Up) -> None:
    process = up.start()

    process.terminate()

    assert process.wait(60) == 0
    assert "Stopped. The data are kept." in up.output
