"""`askedbefore keys`: keys are created, shown once and revoked."""

from pathlib import Path

from sqlalchemy import Engine

from db.engine import make_sessions
from db.tenants import keys
from tests.command import run


def test_the_key_alone_stands_on_the_last_line(running_home: Path, engine: Engine) -> None:
    made = run(
        running_home,
        *("keys", "create", "--forum", "cli-cooks", "--scope", "submit", "--create-forum"),
    )

    secret = made.stdout.splitlines()[-1]
    with make_sessions(engine).begin() as session:
        key = keys.find_key(session, secret)
        assert key is not None
        assert (set(key.forums), key.scopes) == ({"cli-cooks"}, frozenset({"submit"}))


def test_a_forum_is_not_created_by_a_typing_mistake(running_home: Path) -> None:
    made = run(running_home, "keys", "create", "--forum", "coks", "--scope", "submit")

    assert made.returncode == 1
    assert "there is no forum 'coks'" in made.stderr
    assert "Traceback" not in made.stderr


def test_an_unknown_scope_is_refused_by_name(running_home: Path) -> None:
    made = run(running_home, "keys", "create", "--forum", "x", "--scope", "root", "--create-forum")

    assert made.returncode == 1
    assert "root" in made.stderr


def test_a_revoked_key_opens_nothing(running_home: Path, engine: Engine) -> None:
    arguments = ("keys", "create", "--forum", "cli-cooks", "--scope", "submit", "--create-forum")
    secret = run(running_home, *arguments).stdout.splitlines()[-1]

    revoked = run(running_home, "keys", "revoke", secret[:11])

    assert revoked.returncode == 0
    with make_sessions(engine).begin() as session:
        assert keys.find_key(session, secret) is None
