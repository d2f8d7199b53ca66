"""`askedbefore export redirects` and `export groups`."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs

import pytest
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner

from cli.main import app
from cli.running.embedded import Addresses
from db.groups import groups
from db.imports import links
from db.imports.links import Label
from tests.rows.factories import make_forum, save_questions
from tests.servers.web_server import Quiet, serving

Factory = sessionmaker[Session]


@pytest.fixture(autouse=True)
def service(
    committed: Factory, servers: Addresses, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", servers.database_url)
    monkeypatch.setenv("ASKEDBEFORE_REDIS_URL", redis_url)
    with committed.begin() as session:
        forum = make_forum(session)
        save_questions(session, forum, *(f"=Why {n}?" for n in range(1, 5)))
        groups.lock(session, forum.id)
        labels = [Label(first_id="1", second_id="2", canonical_id="2")]
        links.save(session, forum.id, labels, actor="archive 1")


def export(*words: str) -> str:
    done = CliRunner().invoke(app, ["export", *words, "--forum", "cooks"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_redirects_are_rows() -> None:
    (row,) = csv.DictReader(io.StringIO(export("redirects")))
    (line,) = export("redirects", "--format", "jsonl").splitlines()

    assert (row["id"], row["canonical_id"], row["score"]) == ("1", "2", "1.0000")
    assert (row["title"], row["decided_by"]) == ("'=Why 1?", "archive")
    assert json.loads(line)["title"] == "=Why 1?"


@pytest.mark.parametrize("what", ["redirects", "groups", "decisions"])
def test_an_export_that_fails_leaves_the_file_as_it_was(what: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("of yesterday")

    done = CliRunner().invoke(app, ["export", what, "--forum", "nowhere", "--out", str(path)])

    assert done.exit_code
    assert path.read_text() == "of yesterday"


def test_groups_are_rows_with_the_canonical_question_marked() -> None:
    rows = list(csv.DictReader(io.StringIO(export("groups"))))

    assert [(row["id"], row["is_canonical"], row["size"]) for row in rows] == [
        ("1", "false", "2"),
        ("2", "true", "2"),
    ]


def test_sql_for_phpbb_changes_nothing_until_it_is_asked_to() -> None:
    asked, applied = (
        export("redirects", "--as", "phpbb-sql"),
        export("redirects", "--as", "phpbb-sql", "--apply", "--table-prefix", "f_"),
    )

    assert asked.rstrip().splitlines()[-1].startswith("ROLLBACK;")
    assert applied.rstrip().endswith("COMMIT;")
    assert "UPDATE f_topics SET topic_status = 1 WHERE topic_id = 1 AND topic_status = 0" in applied
    assert "VALUES (1, 2)" in applied


class Discourse(Quiet):
    calls: ClassVar[list[tuple[str, str, dict[str, list[str]]]]] = []
    is_busy: ClassVar[bool] = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if type(self).is_busy:
            type(self).is_busy = False
            self.send_response(429)
            self.send_header("Retry-After", "0.01")
            self.end_headers()
            return
        self.calls.append((self.command, self.path, parse_qs(body)))
        self.send_response(200)
        self.end_headers()

    do_PUT = do_POST  # the name that the server calls


@pytest.fixture
def discourse() -> Iterator[str]:
    with serving(Discourse) as address:
        yield address


def test_the_script_for_discourse_does_nothing_until_it_is_asked_to(
    tmp_path: Path, discourse: str
) -> None:
    script = tmp_path / "redirect.py"
    script.write_text(export("redirects", "--as", "discourse-script"))
    given = {"DISCOURSE_URL": discourse, "DISCOURSE_API_KEY": "k", "DISCOURSE_API_USER": "system"}

    def run(*words: str) -> str:
        command = [sys.executable, str(script), *words]
        environment = {**os.environ, **given}  # noqa: TID251  # of another program
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    dry = run()
    assert "Nothing was changed" in dry
    assert Discourse.calls == []
    run("--apply")
    assert [(method, path) for method, path, _ in Discourse.calls] == [
        ("POST", "/posts.json"),
        ("PUT", "/t/1/status.json"),
    ]
    assert Discourse.calls[0][2]["raw"] == ["This question was asked before: /t/2"]
    run("--apply")
    assert len(Discourse.calls) == 2
