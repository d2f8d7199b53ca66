"""An Askbot in a folder, with a Python environment, a project and processes of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from cli.running.children import Command, spawn
from cli.running.service import wait_until
from worker.process.orphans import die_with

ROOT = Path(__file__).parents[2]
VERSION = "0.13.0"
_PROJECT = "askbot_site"
_HERE = Path(__file__).parent
_TAIL = (_HERE / "settings_tail.txt").read_text(encoding="utf-8")
_URLS = """
urlpatterns.insert(0, path("askedbefore/", include("askedbefore_django.urls")))
"""
_START_S = 120.0
_TAIL_LENGTH = 4_000


class DemoError(Exception):
    """The demo cannot be set up or cannot continue."""


@dataclass(slots=True)
class Askbot:
    """A project of Askbot that is served on *port* of this machine."""

    folder: Path
    port: int
    environment: Path
    """A virtual environment with Askbot. It is created when it is needed; projects share it."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the URL of the forum."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """Return the key with which the forum's server calls the service."""
        given = json.loads((self.folder / "askedbefore.json").read_text(encoding="utf-8"))
        return str(given["askedbefore"]["KEY"])

    def install(self) -> None:
        """Install Askbot and the packages of this checkout, once."""
        environment_with(self.environment, f"askbot=={VERSION}")

    def set_up(self, settings: Mapping[str, Any]) -> None:
        """Create the project with these settings ``ASKEDBEFORE``, and its database."""
        made = self.folder / "is-made"
        if not made.exists():
            self._make()
            made.touch()
        given = {"askedbefore": dict(settings), "cache": str(self.folder / "cache")}
        (self.folder / "askedbefore.json").write_text(json.dumps(given), encoding="utf-8")
        self.manage("migrate", "--noinput")

    def _make(self) -> None:
        """Create the project. Files of an interrupted attempt are deleted first."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        options = {
            "--root-directory": str(self.folder),
            "--proj-name": _PROJECT,
            "--db-engine": "sqlite",
            "--db-name": str(self.folder / "forum.sqlite"),
            "--domain-name": "forum.example.com",
            "--admin-name": "admin",
            "--admin-email": "admin@forum.example.com",
        }
        words = [word for option in options.items() for word in option]
        run([str(self._program("askbot-setup")), "--noinput", "--force", *words])
        _append(self.folder / _PROJECT / "settings.py", _TAIL)
        _append(self.folder / _PROJECT / "urls.py", _URLS)

    def seed(self, questions: Sequence[Mapping[str, Any]]) -> None:
        """Create users and questions."""
        path = self.folder / "questions.jsonl"
        path.write_text("\n".join(map(json.dumps, questions)), encoding="utf-8")
        self.python(str(_HERE / "seed_askbot.py"), str(path))

    def manage(self, *arguments: str) -> str:
        """Run a command of the project to its end and return what it printed."""
        return self.python("manage.py", *arguments)

    def python(self, *arguments: str) -> str:
        """Run Askbot's Python in the project's folder."""
        command = [str(self._program("python")), *arguments]
        return run(command, folder=self.folder, environment=self._variables())

    def start(self, name: str, *arguments: str) -> None:
        """Start a command of the project in the background; it ends with this process."""
        command = Command(
            name=name,
            arguments=[str(self._program("python")), "manage.py", *arguments],
            environment=self._variables(),
            folder=self.folder,
        )
        self.processes[name] = spawn(command, self._log(name))

    def check(self) -> None:
        """Raise `DemoError` if a process has ended by itself."""
        for name, process in self.processes.items():
            check(f"the forum's process {name!r}", process, self._log(name))

    def kill(self, name: str) -> None:
        """Kill a process as a crash would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve the forum and run the delivery for the block."""
        try:
            self.start("web", "runserver", "--noreload", str(self.port))
            # One after the other: at its start each process of Askbot writes a value of its own
            # under the same key of the cache, and ends if it reads another's.
            wait_until(self.answers, timeout_s=_START_S)
            self.start("deliver", "askedbefore_deliver", "--interval", "1")
            yield
        finally:
            for process in self.processes.values():
                process.terminate()
            for process in self.processes.values():
                process.wait(30)
            self.processes.clear()

    def answers(self) -> bool:
        """Return whether the forum answers; raises `DemoError` if it has ended."""
        self.check()
        try:
            return httpx2.get(f"{self.url}/questions/", timeout=30).is_success
        except httpx2.TransportError:
            return False

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _program(self, name: str) -> Path:
        return self.environment / "bin" / name

    def _variables(self) -> dict[str, str]:
        """Return environment variables with which Python finds the packages of this checkout."""
        ours = [str(ROOT / name) for name in ("client", "integrations/django")]
        paths = os.pathsep.join([str(self.folder), *ours])
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "PYTHONPATH": paths,
            "PYTHONWARNINGS": "ignore",
            "DJANGO_SETTINGS_MODULE": f"{_PROJECT}.settings",
        }


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def environment_with(folder: Path, wanted: str) -> None:
    """Create a virtual environment with this requirement and our client, unless it exists.

    Raises `DemoError`.
    """
    done = folder / f".{wanted}"
    if not done.exists():
        run([sys.executable, "-m", "venv", str(folder)])
        run([str(folder / "bin" / "pip"), "install", "--quiet", wanted, str(ROOT / "client")])
        done.touch()


def check(name: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise `DemoError`, with the end of the log, if a process has ended by itself."""
    if process.poll() is not None:
        told = log.read_text(encoding="utf-8", errors="replace")[-_TAIL_LENGTH:]
        raise DemoError(f"{name} has ended with {process.returncode}; the end of {log}:\n{told}")


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return its output; raises `DemoError` with the output."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # If this process ends, its command must end too, before a second try starts another one.
        preexec_fn=partial(die_with, os.getpid(), signal.SIGTERM),
    )
    if done.returncode:
        raise DemoError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
