"""The API on a role of Postgres that can neither create nor drop."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import sessionmaker

from cli.running.service import settings_of
from db import schema
from db.engine import make_engine
from db.errors import InvalidInputError
from db.keeping.backup import write_backup
from db.pairs import listing
from db.pairs.listing import Order, PairFilter
from db.tables.keys import ApiKey
from db.tenants import people
from tests import command
from tests.integration.api import test_other_forums as calling
from tests.integration.api.console import test_rights as console
from tests.integration.db.two_forums import Side, make_two
from tests.rows.review import PASSWORD, flag, seed_questions
from tests.servers.api_service import Factory, make_client, make_key

ROLE = "rows only"
SCOPES = ("submit", "review", "admin")
Statuses = dict[str, int]


@pytest.fixture
def role(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make the role as Compose does, by the command that migrates."""
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", url)
    password = tmp_path / "password"
    password.write_text("a long password\n")
    given = ("--api-role", ROLE, "--api-password-file", str(password))
    done = command.run(tmp_path, "migrate", *given)
    assert done.returncode == 0, done.stderr
    yield ROLE
    with engine.begin() as connection:
        connection.exec_driver_sql(f'DROP OWNED BY "{ROLE}"')
        connection.exec_driver_sql(f'DROP ROLE "{ROLE}"')


@pytest.fixture
def limited(engine: Engine, role: str) -> Iterator[Engine]:
    """Connections as the role, on a database that others have filled."""
    url = engine.url.set(username=role).render_as_string(hide_password=False)
    made = make_engine(settings_of(url))
    yield made
    made.dispose()


def as_owner_and_as_role(
    connection: Connection, role: str, what: Callable[[], Statuses]
) -> tuple[Statuses, Statuses]:
    """Return the statuses of calls that the owner made, and of the same ones of the role."""
    with connection.begin_nested() as forgotten:
        as_owner = what()
        forgotten.rollback()
    connection.exec_driver_sql(f'SET LOCAL ROLE "{role}"')
    return as_owner, what()


@pytest.fixture
def side(sessions: Factory) -> Side:
    """Make a forum with one of everything, and an admin with a password."""
    with sessions.begin() as session:
        made = make_two(session).own
        people.set_password(session, made.person.id, PASSWORD)
    return made


def test_every_call_of_the_api_is_answered_as_with_the_owners_rights(
    role: str, sessions: Factory, connection: Connection, side: Side
) -> None:
    key = make_key(sessions, calling.OWN, scopes=SCOPES)

    def called() -> Statuses:
        with make_client(sessions, key, wait_limit_s=0) as client:
            # Deletions are tried last.
            calls = sorted(calling.calls(), key=lambda one: one.startswith("DELETE"))
            return {call: calling.make(client, call, calling.OWN, side)[0] for call in calls}

    as_owner, as_role = as_owner_and_as_role(connection, role, called)

    assert as_role == as_owner
    assert sum(status < 300 for status in as_role.values()) > 35
    with sessions.begin() as session:
        assert any(session.execute(select(ApiKey.last_used_at)).scalars())


def test_every_page_of_the_console_is_answered_as_with_the_owners_rights(
    role: str, sessions: Factory, connection: Connection, side: Side
) -> None:
    def acted(client: TestClient, action: str) -> int:
        path, form = console.path_of(action, side), console.form_of(action, side)
        return console.act(client, action, calling.OWN, path, form)[0]

    def opened() -> Statuses:
        with console.signed_in(sessions, side.person.name, calling.OWN) as client:
            actions = sorted(set(console.actions()) - console.ENDLESS)
            return {action: acted(client, action) for action in actions}

    as_owner, as_role = as_owner_and_as_role(connection, role, opened)

    assert as_role == as_owner
    assert sum(status < 400 for status in as_role.values()) > 25


def test_the_api_works_on_rows_alone(committed: Factory, limited: Engine) -> None:
    key = make_key(committed, "cooks", scopes=SCOPES)
    sessions = sessionmaker(limited, expire_on_commit=False)

    with make_client(sessions, key) as client:
        url = "/v1/forums/cooks"
        stored = client.put(f"{url}/questions/1", json={"title": "How do I boil an egg?"})
        uploaded = client.post(f"{url}/archives", content=b'{"id": "2", "title": "Egg?"}')
        others = [
            client.get(f"{url}/pairs"),
            client.get(f"{url}/archives"),
            client.get(f"{url}/groups"),
            client.post(f"{url}/webhooks", json={}),
            client.delete(f"{url}/questions/1"),
        ]

    assert (stored.status_code, uploaded.status_code) == (202, 202)
    assert [answer.status_code for answer in others] == [200, 200, 200, 422, 204]


def test_a_backup_can_be_made_with_it(committed: Factory, limited: Engine) -> None:
    make_key(committed, "cooks")

    kept = write_backup(limited, BytesIO(), about={})

    assert kept.rows["forums"] == 1


def test_its_password_is_given_to_postgres_as_a_verifier_alone(engine: Engine) -> None:
    name = f"{ROLE} with a password"
    for password in ("first", "it's 100 % %(verb)s"):
        schema.let_sign_in(engine, name, password)
        with engine.begin() as connection:
            stored = connection.execute(
                text("SELECT rolpassword FROM pg_authid WHERE rolname = :r"), {"r": name}
            ).scalar_one()
        assert stored.startswith("SCRAM-SHA-256$")
        assert password not in stored
    with engine.begin() as connection:
        connection.exec_driver_sql(f'DROP ROLE "{name}"')


@pytest.mark.parametrize("sees", [True, False])
def test_the_feed_of_pairs_waits_for_what_it_cannot_see(
    committed: Factory, engine: Engine, limited: Engine, sees: bool
) -> None:
    if not sees:
        with engine.begin() as connection:
            connection.exec_driver_sql(f'REVOKE pg_read_all_stats FROM "{ROLE}"')
    with committed.begin() as session:
        seeded = seed_questions(session, "How do I boil an egg?", "Egg?")
        flag(session, seeded, 0, 1)
    with sessionmaker(limited)() as session:
        listed = listing.list_pairs(
            session, seeded.forum.id, where=PairFilter(), order=Order.CHANGED
        )

    assert len(listed) == int(sees)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (a int)",
        "DROP TABLE questions",
        "ALTER TABLE questions ADD COLUMN mine int",
        "TRUNCATE questions CASCADE",
        "DROP EXTENSION vector CASCADE",
        "COPY questions TO PROGRAM 'cat'",
    ],
)
def test_it_changes_no_schema(limited: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError), limited.begin() as connection:
        connection.execute(text(statement))


def test_a_table_that_is_created_later_is_its_own_too(engine: Engine, limited: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE later (a int)")
    try:
        with limited.begin() as connection:
            added = connection.exec_driver_sql("INSERT INTO later VALUES (1)")
            assert added.rowcount == 1
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE later")


def test_a_role_that_is_not_there_is_named(engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match="nobody"):
        schema.let_write_rows(engine, "nobody")
