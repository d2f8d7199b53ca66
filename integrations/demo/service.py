"""Runs `askedbefore up` on a fixed port, so that it can be killed and started again."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.connect import database
from cli.running.children import Command, spawn
from cli.running.service import answers, wait_until
from db.tenants import forums, keys, people
from integrations.demo.forum import ROOT, check

FORUM = "askbot"
MODERATOR = "you"
_START_S = 600.0
"""The first start on a machine converts the models."""
_STOP_S = 120.0


@dataclass(slots=True)
class Up:
    """`askedbefore up` on a data folder."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the URL of the service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Return the file with its output."""
        return self.folder.parent / "service.log"

    def start(self) -> None:
        """Start the service and wait until it is ready. It ends with this process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-sample", "--profile", "fast", "--port", str(self.port)]
        command = Command(
            name="up",
            arguments=[*_command("up"), *options, "--data", str(self.folder)],
            environment=os.environ,  # noqa: TID251  # the variables of this shell
            folder=ROOT,
        )
        self.process = spawn(command, self.log)
        wait_until(self._is_ready, timeout_s=_START_S)

    def check(self) -> None:
        """Raise `DemoError` if it has ended by itself."""
        if self.process is not None:
            check("the service", self.process, self.log)

    def kill(self) -> None:
        """Kill the service as a crash would. Its processes end with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Stop the service; its data are kept."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(_STOP_S)

    def make_keys(
        self, origin: str, *, forum: str = FORUM, title: str = "Askbot"
    ) -> dict[str, str]:
        """Return a key for the forum's server, and one for its ask page at *origin*."""
        with database(self.folder) as sessions, sessions.begin() as session:
            row = forums.ensure_forum(session, forum, title=title)
            ids = [row.id]
            server = keys.create_key(session, name=forum, forum_ids=ids, scopes=["submit"])
            page = keys.create_key(
                session, name="ask page", forum_ids=ids, scopes=["ask"], origins=[origin]
            )
            person = people.ensure_person(session, MODERATOR)
            people.set_role(session, person.id, row.id, people.Role.ADMIN)
        return {"KEY": server, "PUBLIC_KEY": page}

    def sign_in_link(self) -> str:
        """Return a link that signs the moderator in once."""
        with database(self.folder) as sessions, sessions.begin() as session:
            person = people.get_person(session, MODERATOR)
            return people.create_sign_in_link(session, person.id, self.url)

    def _is_ready(self) -> bool:
        self.check()
        return answers(self.url)


def keys_of(path: Path, up: Up, origin: str) -> dict[str, str]:
    """Return the keys of a demo, made at its first start and when the forum's URL changes."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if origin not in known:
        known = {origin: up.make_keys(origin)}
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(known), encoding="utf-8")
        new.replace(path)
    found: dict[str, str] = known[origin]
    return found


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", name]
