"""`askedbefore people` and `askedbefore export`."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker
from typer.testing import CliRunner, Result

from cli.main import app
from cli.running.embedded import Addresses
from db.errors import ForumNotFoundError
from db.rows import PairStatus
from db.tables.review import Person
from db.tenants import people
from db.tenants.people import Role, SignInRefusedError
from tests.rows.review import flag, say, seed_questions

Factory = sessionmaker[Session]
SECRET = "a long enough password"  # noqa: S105  # of a test


@pytest.fixture(autouse=True)
def service(
    committed: Factory, servers: Addresses, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", servers.database_url)
    with committed.begin() as session:
        made = seed_questions(session, *(f'How do I boil "{n}" eggs, fast?' for n in range(6)))
        say(session, made, flag(session, made, 0, 1))
        say(session, made, flag(session, made, 2, 3), PairStatus.NOT_DUPLICATE)
        flag(session, made, 4, 5)
    yield
    with committed.begin() as session:
        session.execute(delete(Person))


def invoke(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=typed)


def test_a_person_added_with_a_password_can_sign_in_until_shut_out(committed: Factory) -> None:
    options = ("--forum", "cooks", "--role", "admin", "--password")
    added = invoke("people", "add", "Ben Okri", *options, typed=f"{SECRET}\n{SECRET}\n")

    assert added.exit_code == 0, added.output
    with committed.begin() as session:
        assert people.authenticate(session, "Ben Okri", SECRET).roles == {"cooks": Role.ADMIN}
    assert invoke("people", "disable", "Ben Okri").exit_code == 0
    with committed.begin() as session, pytest.raises(SignInRefusedError):
        people.authenticate(session, "Ben Okri", SECRET)


def test_a_link_and_a_key_stand_on_the_last_line(committed: Factory) -> None:
    invoke("people", "add", "Ana", "--forum", "cooks")

    link = invoke("people", "link", "Ana", "--url", "https://duplicates.example/").stdout
    key = invoke("people", "key", "Ana").stdout

    assert link.startswith("https://duplicates.example/console/sign-in/")
    with committed.begin() as session:
        token = link.strip().rpartition("/")[2]
        assert people.use_link(session, token).name == "Ana"
        found = people.find_by_key(session, "Ana", key.splitlines()[-1])
        assert found is not None
        assert found.name == "Ana"


def test_nobody_is_added_to_a_forum_that_is_not_there() -> None:
    result = invoke("people", "add", "Ana", "--forum", "nowhere")

    assert isinstance(result.exception, ForumNotFoundError)


@pytest.mark.parametrize("to_file", [True, False])
def test_decisions_are_written_as_labelled_pairs(tmp_path: Path, to_file: bool) -> None:
    path = tmp_path / "decisions.csv"
    result = invoke("export", "decisions", "--forum", "cooks", *(["--out", str(path)] * to_file))

    lines = (path.read_text(encoding="utf-8") if to_file else result.stdout).splitlines()
    rows = list(csv.DictReader(lines))
    assert [row["is_duplicate"] for row in rows] == ["1", "0"]
    assert rows[0]["question1"] == 'How do I boil "0" eggs, fast?'
    assert "2 labelled pairs" in result.stderr
