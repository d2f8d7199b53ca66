"""The service as `askedbefore up` runs it, on a fixed port so that it can be killed and started."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cli.connect import database
from cli.running.service import answers, wait_until
from db.tenants import forums, keys, people
from integrations.demo.forum import ROOT, run

FORUM = "askbot"
MODERATOR = "you"
_START_S = 600.0
"""The first start on a machine converts the models."""


@dataclass(slots=True)
class Up:
    """`askedbefore up` on a data folder."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where the service listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--no-sample", "--profile", "fast", "--port", str(self.port)]
        with (self.folder.parent / "service.log").open("ab") as output:
            self.process = subprocess.Popen(
                [*_command("up"), *options, "--data", str(self.folder)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(self._is_ready, timeout_s=_START_S)

    def kill(self) -> None:
        """Kill it as a crash would; its own processes end with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Stop it; the data stay."""
        if self.process is not None and self.process.poll() is None:
            run([*_command("down"), "--data", str(self.folder)], folder=ROOT)
            self.process.wait(60)

    def make_keys(self, origin: str) -> dict[str, str]:
        """Return a key for the forum's server, and one for its ask page at *origin*."""
        with database(self.folder) as sessions, sessions.begin() as session:
            forum = forums.ensure_forum(session, FORUM, title="Askbot")
            ids = [forum.id]
            server = keys.create_key(session, name="askbot", forum_ids=ids, scopes=["submit"])
            page = keys.create_key(
                session, name="ask page", forum_ids=ids, scopes=["ask"], origins=[origin]
            )
            person = people.ensure_person(session, MODERATOR)
            people.set_role(session, person.id, forum.id, people.Role.ADMIN)
        return {"KEY": server, "PUBLIC_KEY": page}

    def sign_in_link(self) -> str:
        """Return a link that signs the moderator in once."""
        with database(self.folder) as sessions, sessions.begin() as session:
            person = people.get_person(session, MODERATOR)
            return people.create_sign_in_link(session, person.id, self.url)

    def _is_ready(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            log = self.folder.parent / "service.log"
            raise RuntimeError(f"the service did not start:\n{log.read_text(encoding='utf-8')}")
        return answers(self.url)


def keys_of(path: Path, up: Up, origin: str) -> dict[str, str]:
    """Return the keys of a demo, made at its first start."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps(up.make_keys(origin)), encoding="utf-8")
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", name]
