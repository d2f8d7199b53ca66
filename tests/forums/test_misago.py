"""Misago's own models and database: threads are submitted, closed with a link, and opened again."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.connect import database
from cli.running.service import held_port, wait_until
from db.deciding import decisions
from db.pairs import listing
from db.rows import PairStatus
from db.tenants import forums, keys
from integrations.demo.forum import ROOT, run
from integrations.demo.service import Up
from tests.review import Seeded, say

pytestmark = pytest.mark.forums

VERSION = "0.39.6"
FORUM = "misago"
ENVIRONMENT = ROOT / ".demo" / "misago"
HERE = Path(__file__).parent


@contextmanager
def postgres() -> Iterator[str]:
    """Run Debian's Postgres for the block and give the folder of its socket.

    Misago needs `hstore` and `btree_gin`, which the embedded Postgres does not have.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found or os.geteuid() != 0 or shutil.which("runuser") is None:
        pytest.skip("Misago's tests need Debian's Postgres and root: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="abm-", dir="/tmp") as folder:
        shutil.chown(folder, "postgres")
        data = f"{folder}/data"

        def ask(*words: str) -> None:
            run(["runuser", "-u", "postgres", "--", *words], folder=Path("/"))

        ask(str(found[-1] / "initdb"), "-D", data, "-A", "trust")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        control = str(found[-1] / "pg_ctl")
        ask(control, "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            ask("createdb", "-h", folder, "misago")
            yield folder
        finally:
            ask(control, "-D", data, "-m", "immediate", "stop")


@dataclass(frozen=True, slots=True)
class Misago:
    """A Misago on a database of its own, connected to the service."""

    up: Up
    key: str
    variables: dict[str, str]

    def python(self, *words: str) -> str:
        command = [str(ENVIRONMENT / "bin" / "python"), *words]
        return run(command, folder=HERE, environment=self.variables)

    def manage(self, *words: str) -> str:
        return self.python("-m", "django", *words)

    def step(self, *words: str) -> Any:
        return json.loads(self.python(str(HERE / "misago_steps.py"), *words).splitlines()[-1])

    def stored(self, question_id: str) -> Any:
        url = f"{self.up.url}/v1/forums/{FORUM}/questions/{question_id}"
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.get(url, headers=headers, timeout=30).json()


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="abm-", dir="/tmp") as folder, held_port() as port:
        Path(folder).chmod(0o711)
        made = Up(Path(folder) / "service", port)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def misago(up: Up) -> Iterator[Misago]:
    if not (ENVIRONMENT / "bin" / "python").exists():
        run([sys.executable, "-m", "venv", str(ENVIRONMENT)])
        wanted = [f"misago=={VERSION}", str(ROOT / "client")]
        run([str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", *wanted])
    with database(up.folder) as sessions, sessions.begin() as session:
        row = forums.ensure_forum(session, FORUM)
        key = keys.create_key(session, name="misago", forum_ids=[row.id], scopes=["submit"])
    with postgres() as socket:
        given = {
            "database": {"NAME": "misago", "USER": "postgres", "PASSWORD": "", "HOST": socket},
            "askedbefore": {
                "URL": up.url,
                "FORUM": FORUM,
                "KEY": key,
                "SITE_URL": "https://misago.example",
                "SOURCES": ["askedbefore_django.misago.Threads"],
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
        made = Misago(up, key, variables)
        made.manage("migrate", "--noinput")
        yield made


@pytest.fixture(scope="module")
def threads(misago: Misago) -> dict[str, int]:
    made: dict[str, int] = misago.step("make")
    misago.manage("askedbefore_deliver", "--once")
    return made


def decide(up: Up) -> tuple[Seeded, int]:
    """Have a moderator confirm the pair; return what an undo needs."""
    with database(up.folder) as sessions, sessions.begin() as session:
        row = forums.get_forum(session, FORUM)
        where = listing.PairFilter(statuses=[PairStatus.FLAGGED])
        (pair,) = listing.list_pairs(session, row.id, where=where, after=None, limit=9)
        seeded = Seeded(row, [])
        return seeded, say(session, seeded, pair.id).id


def test_threads_are_submitted_and_private_ones_never(
    misago: Misago, threads: dict[str, int]
) -> None:
    key = str(threads["b"])
    wait_until(lambda: misago.stored(key)["state"] == "done", timeout_s=60)

    stored = misago.stored(key)
    assert stored["title"] == "How to become a good programmer?"
    assert stored["url"].startswith("https://misago.example/t/")
    assert (stored["author"], stored["visible"]) == ("Tester", True)
    assert [one["id"] for one in stored["duplicates"]] == [str(threads["a"])]
    assert misago.stored(str(threads["private"]))["status"] == 404


def test_a_decision_closes_the_thread_with_a_link_and_an_undo_opens_it(
    misago: Misago, threads: dict[str, int]
) -> None:
    seeded, decision = decide(misago.up)
    misago.manage("askedbefore_deliver", "--once")
    after = {name: misago.step("show", str(threads[name])) for name in "ab"}
    with database(misago.up.folder) as sessions, sessions.begin() as session:
        decisions.undo(session, seeded.forum.id, decision, actor="ana")
    misago.manage("askedbefore_deliver", "--once")
    (shut,) = (name for name in "ab" if after[name]["closed"])
    undone = misago.step("show", str(threads[shut]))

    assert "This was asked before" in after[shut]["posts"][1]
    other = threads["b" if shut == "a" else "a"]
    assert f"/{other}/" in after[shut]["posts"][1]
    assert after[shut]["replies"] == 1
    assert (undone["closed"], undone["replies"], len(undone["posts"])) == (False, 0, 1)


def test_edits_hiding_and_deletion_reach_the_service(
    misago: Misago, threads: dict[str, int]
) -> None:
    key = str(threads["a"])
    misago.step("edit", key)
    misago.step("hide", key)
    misago.manage("askedbefore_deliver", "--once")
    hidden = misago.stored(key)
    misago.step("delete", key)
    misago.manage("askedbefore_deliver", "--once")

    assert (hidden["body"], hidden["visible"]) == ("Another text than before.", False)
    assert misago.stored(key)["status"] == 404
