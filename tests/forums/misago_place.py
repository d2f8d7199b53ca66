"""Runs a Misago with a database, a Python environment and processes of its own."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.running.children import Command, spawn
from cli.running.service import held_port, wait_until
from integrations.demo.forum import ROOT, environment_with, run
from integrations.demo.service import Up

VERSION = "0.39.6"
FORUM = "misago"
ENVIRONMENT = ROOT / ".demo" / "misago"
HERE = Path(__file__).parent


def install() -> None:
    """Install Misago into an environment of its own, once; raises `DemoError`."""
    environment_with(ENVIRONMENT, f"misago=={VERSION}")


@contextmanager
def postgres() -> Iterator[str]:
    """Run Debian's Postgres for the block and give the folder of its socket.

    Misago needs `hstore` and `btree_gin`, which the embedded Postgres does not have.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("Misago's tests need Debian's Postgres: apt-get install postgresql")
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="abm-", dir="/tmp") as folder:
        if is_root:  # Postgres refuses to run as root
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"

        def ask(name: str, *words: str) -> None:
            other = ["/usr/sbin/runuser", "-u", "postgres", "--"] if is_root else []
            run([*other, str(programs[-1] / name), *words], folder=Path("/"))

        ask("initdb", "-D", data, "-A", "trust", "-U", "postgres")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        ask("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            ask("createdb", "-h", folder, "-U", "postgres", "misago")
            yield folder
        finally:
            ask("pg_ctl", "-D", data, "-m", "immediate", "stop")


@dataclass(frozen=True, slots=True)
class Misago:
    """A Misago that is served, and connected to the service."""

    up: Up
    port: int
    key: str
    variables: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def python(self, *words: str) -> str:
        return run([self._python, *words], folder=HERE, environment=self.variables)

    def manage(self, *words: str) -> str:
        return self.python("-m", "django", *words)

    def deliver(self) -> str:
        return self.manage("askedbefore_deliver", "--once")

    def step(self, *words: str) -> Any:
        """Run a step of `misago_steps` and return what it found."""
        return json.loads(self.python(str(HERE / "misago_steps.py"), *words).splitlines()[-1])

    def stored(self, question_id: str) -> Any:
        """Return a question as the service has it."""
        url = f"{self.up.url}/v1/forums/{FORUM}/questions/{question_id}"
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.get(url, headers=headers, timeout=30).json()

    @contextmanager
    def serving(self, log: Path) -> Iterator[None]:
        """Serve its pages for the block."""
        words = ["-m", "django", "runserver", "--noreload", str(self.port)]
        command = Command(
            name="misago",
            arguments=[self._python, *words],
            environment=self.variables,
            folder=HERE,
        )
        process = spawn(command, log)
        try:
            wait_until(self._answers, timeout_s=120)
            yield
        finally:
            process.kill()
            process.wait()

    @property
    def _python(self) -> str:
        return str(ENVIRONMENT / "bin" / "python")

    def _answers(self) -> bool:
        try:
            return httpx2.get(self.url, timeout=30).is_success
        except httpx2.TransportError:
            return False


@contextmanager
def misago(up: Up) -> Iterator[Misago]:
    """Run a Misago beside the service for the block."""
    with postgres() as socket, held_port() as port:
        site = f"http://127.0.0.1:{port}"
        keys = up.make_keys(site, forum=FORUM, title="Misago")
        given = {
            "database": {"NAME": "misago", "USER": "postgres", "PASSWORD": "", "HOST": socket},
            "askedbefore": {
                "URL": up.url,
                "FORUM": FORUM,
                "SITE_URL": site,
                "SOURCES": ["askedbefore_django.misago.Threads"],
                **keys,
            },
        }
        paths = [str(ROOT / name) for name in ("client", "integrations/django")]
        variables = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(Path.home()),
            "PYTHONPATH": os.pathsep.join([str(HERE), *paths]),
            "DJANGO_SETTINGS_MODULE": "misago_settings",
            "MISAGO_TEST": json.dumps(given),
        }
        made = Misago(up, port, keys["KEY"], variables)
        made.manage("migrate", "--noinput")
        with made.serving(up.folder.parent / "misago.log"):
            yield made
