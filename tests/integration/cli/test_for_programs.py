"""Commands that other programs call: JSON, what they change, and how they end."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session, sessionmaker

from cli.main import app
from cli.version import version
from db.archives import archives
from db.questions import questions
from db.tables.questions import Question
from db.tenants import keys
from tests.command import run
from tests.rows.factories import make_forum, save_questions

Factory = sessionmaker[Session]


@pytest.fixture
def home(running_home: Path, committed: Factory) -> Iterator[Path]:
    with committed.begin() as session:
        make_forum(session, "cooks")
    yield running_home
    assert committed is not None


@pytest.mark.parametrize("group", ["forums", "keys", "models", "people"])
def test_every_list_can_be_read_by_a_program(home: Path, group: str) -> None:
    done = run(home, group, "list", "--json")

    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), list)


def test_archives_can_be_read_by_a_program(home: Path) -> None:
    assert json.loads(run(home, "archives", "--json").stdout) == []


def test_a_forum_is_created_once_and_deleted_with_all_that_it_has(
    home: Path, committed: Factory
) -> None:
    made = run(home, "forums", "create", "bakers", "--title", "For bakers", "--json")
    again = run(home, "forums", "create", "bakers")
    with committed.begin() as session:
        save_questions(session, make_forum(session, "bakers"), "How long does dough rest?")
    gone = run(home, "forums", "delete", "bakers", "--yes")

    assert json.loads(made.stdout)["title"] == "For bakers"
    assert again.returncode == 1
    assert "there is a forum 'bakers' already" in again.stderr
    assert gone.returncode == 0
    with committed.begin() as session:
        assert session.query(Question).count() == 0


def test_a_forum_is_not_deleted_without_a_yes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    refused = run(home, "forums", "delete", "cooks")

    assert refused.returncode == 1
    assert "cooks" in run(home, "forums", "list").stdout


def test_a_rotated_key_lets_the_old_one_work_for_a_while(home: Path, committed: Factory) -> None:
    old = run(home, "keys", "create", "--forum", "cooks", "--scope", "submit").stdout.split()[-1]

    new = run(home, "keys", "rotate", old[:11]).stdout.split()[-1]
    ended = run(home, "keys", "rotate", new[:11], "--keep-hours", "0").stdout.split()[-1]

    with committed.begin() as session:
        found = {secret: keys.find_key(session, secret) for secret in (old, new, ended)}
    assert found[old] is not None
    assert found[new] is None
    last = found[ended]
    assert last is not None
    assert (sorted(last.scopes), sorted(last.forums)) == (["submit"], ["cooks"])


def _listed(home: Path, name: str) -> list[dict[str, Any]]:
    everybody = json.loads(run(home, "people", "list", "--json").stdout)
    return [one for one in everybody if one["name"] == name]


def test_a_person_is_listed_locked_out_let_in_and_removed(home: Path) -> None:
    run(home, "people", "add", "ann", "--forum", "cooks")
    run(home, "people", "disable", "ann")
    locked = _listed(home, "ann")
    run(home, "people", "enable", "ann")
    free = _listed(home, "ann")
    run(home, "people", "remove", "ann")
    left = _listed(home, "ann")

    assert [one["disabled"] for one in locked + free] == [True, False]
    assert free[0]["roles"] == {"cooks": "moderator"}
    assert left == []


def test_an_archive_that_was_a_mistake_is_taken_back(home: Path, committed: Factory) -> None:
    with committed.begin() as session:
        forum = make_forum(session, "cooks")
        save_questions(session, forum, "How long does rice cook?")
        save_questions(session, forum, "How is an egg boiled?", "Why do onions sting?", first=2)
        wrong = archives.create(session, forum.id, name="wrong.csv", form="csv", top_k=100)
        brought = Question.external_id.in_(("2", "3"))
        session.execute(update(Question).where(brought).values(archive_id=wrong.id))

    done = run(home, "archives", "undo", str(wrong.id), "--yes")

    assert done.returncode == 0, done.stderr
    assert "2 questions" in done.stdout
    with committed.begin() as session:
        left = questions.list_questions(session, forum.id, after=0, limit=10)
        assert [row.external_id for row in left] == ["1"]
        assert archives.get(session, wrong.id).state == "cancelled"


SILENT = {"api", "beat", "worker", "up"}
"""Commands without --json: they are processes."""


def _commands(group: Any, *path: str) -> Iterator[tuple[str, set[str]]]:
    for name, one in getattr(group, "commands", {}).items():
        yield from _commands(one, *path, name)
    if not getattr(group, "commands", {}):
        yield " ".join(path), {option for given in group.params for option in given.opts}


def test_every_command_that_prints_can_print_json() -> None:
    missing = {
        name for name, options in _commands(typer.main.get_command(app)) if "--json" not in options
    }

    assert missing == SILENT


def test_what_writes_a_file_tells_as_json_what_is_in_it(home: Path) -> None:
    for what in ("redirects", "groups", "decisions"):
        file = home / f"{what}.csv"
        done = run(home, "export", what, "--forum", "cooks", "--out", str(file), "--json")

        assert done.returncode == 0, done.stderr
        facts = json.loads(done.stdout)
        assert facts.pop("file") == str(file)
        assert list(facts.values()) == [0]


def test_json_and_a_file_do_not_share_standard_output(home: Path) -> None:
    done = run(home, "export", "redirects", "--forum", "cooks", "--json")

    assert done.returncode == 1
    assert "name a file with --out" in done.stderr


CHANGES = (
    ("forums", "create", "bakers"),
    ("forums", "recheck", "bakers"),
    ("forums", "ladder", "bakers"),
    ("forums", "keep", "bakers", "--events-days", "9"),
    ("keys", "create", "--forum", "bakers", "--scope", "submit"),
    ("people", "add", "ann", "--forum", "bakers"),
    ("people", "link", "ann"),
    ("people", "key", "ann"),
    ("people", "disable", "ann"),
    ("people", "enable", "ann"),
    ("people", "remove", "ann"),
    ("retry",),
    ("authors", "erase", "bob", "--forum", "bakers", "--yes"),
    ("sync", "add", "/nowhere", "--forum", "bakers"),
    ("sync", "list"),
    ("forums", "delete", "bakers", "--yes"),
)


def test_what_changes_something_tells_it_as_json_alone(home: Path) -> None:
    for command in CHANGES:
        done = run(home, *command, "--json")

        assert done.returncode == 0, (command, done.stderr)
        assert isinstance(json.loads(done.stdout), dict | list), command


def test_an_archives_states_and_report_are_json_too(home: Path, committed: Factory) -> None:
    with committed.begin() as session:
        forum = make_forum(session, "cooks")
        made = archives.create(session, forum.id, name="a.csv", form="csv", top_k=9)
        archives.restage(session, made.id, archives.Stage.EMBED)
    number = str(made.id)

    for word, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        done = run(home, "archives", word, number, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"archive": int(number), "state": state}
    assert (
        json.loads(run(home, "archives", "report", number, "--json").stdout)["archive"] == "a.csv"
    )
    assert json.loads(run(home, "archives", "gone", number, "--json").stdout) == []
    undone = json.loads(run(home, "archives", "undo", number, "--yes", "--json").stdout)
    assert undone == {"archive": int(number), "erased": 0}


def test_an_import_tells_what_it_did_as_json_alone(home: Path) -> None:
    file = home / "old.csv"
    file.write_text("id,title\n1,How is rice cooked?\n2,\n3,How is an egg boiled?\n")
    command = ("import", str(file), "--forum", "cooks", "--yes", "--json")

    tried = json.loads(run(home, *command, "--dry-run").stdout)
    done = json.loads(run(home, *command, "--no-wait").stdout)
    again = json.loads(run(home, *command, "--no-wait").stdout)

    assert tried == {"rows": 3, "questions": 2, "labels": 0}
    assert (done["created"], done["rejected"], done["name"]) == (2, 1, "old.csv")
    assert again == {"archive": done["id"], "is_unchanged": True}


def test_a_sync_tells_how_it_ended_as_json_alone(home: Path) -> None:
    file = home / "old.csv"
    file.write_text("id,title\n1,How is rice cooked?\n")
    added = json.loads(run(home, "sync", "add", str(file), "--forum", "cooks", "--json").stdout)

    (good,) = json.loads(run(home, "sync", "run", "--json").stdout)
    file.unlink()
    failed = run(home, "sync", "run", str(added["id"]), "--json")

    assert (good["sync"], good["error"]) == (added["id"], None)
    assert isinstance(good["archive"], int)
    assert failed.returncode == 1
    assert "there is no file" in json.loads(failed.stdout)[0]["error"].replace("such ", "")


def test_the_version_says_from_where_it_runs(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")

    assert done.stdout.startswith(f"askedbefore {version()} from {Path(__file__).parents[3]}")


def test_a_wrong_option_ends_with_2_and_a_refusal_with_1(home: Path, engine: Engine) -> None:
    assert engine is not None
    assert run(home, "keys", "list", "--nonsense").returncode == 2
    assert run(home, "keys", "revoke", "ab_nothing").returncode == 1
