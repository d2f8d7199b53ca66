"""Forums' own databases: what everybody may see is read, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from sqlalchemy import make_url

from cli.running.embedded import Addresses
from tests.servers import forum_databases as made
from tests.servers.forum_databases import fill, running_mariadb
from worker.archives.databases import Address, open_database, reading
from worker.archives.databases.addresses import has_password
from worker.archives.databases.connecting import LostError, MySql
from worker.archives.readers.records import Hidden, Record, SourceQuestion, UnreadableArchiveError

ASKED = datetime(2014, 5, 13, 16, 53, 20, tzinfo=UTC)
EDITED = datetime(2017, 7, 14, 2, 40, tzinfo=UTC)
CLOSED = "closed category"
MYSQL = {
    "phpbb": (made.PHPBB, {2: "deleted", 3: "unapproved", 4: "moved", 5: CLOSED, 6: CLOSED}),
    "smf": (made.SMF, {2: "unapproved", 3: CLOSED, 4: "deleted", 5: "moved"}),
    "mybb": (
        made.MYBB,
        {2: "deleted", 3: "unapproved", 4: "moved", 5: CLOSED, 6: CLOSED, 7: CLOSED, 8: CLOSED},
    ),
    "flarum": (made.FLARUM, {2: "deleted", 3: "private", 4: "unapproved", 5: CLOSED}),
    "xenforo": (made.XENFORO, {2: "deleted", 3: "unapproved", 4: "moved", 5: CLOSED, 6: CLOSED}),
    "vbulletin": (
        made.VBULLETIN,
        {2: "deleted", 3: "unapproved", 4: "moved", 5: CLOSED, 6: CLOSED},
    ),
}
_MISAGO = {2: "hidden", 3: "unapproved", 4: "private", 5: CLOSED, 6: CLOSED}
POSTGRES = {
    "discourse": (made.DISCOURSE, {2: "private", 3: "deleted", 4: "hidden", 5: CLOSED}),
    "misago": (made.MISAGO, _MISAGO),
    "misago-groups": (made.MISAGO + made.MISAGO_GROUPS, _MISAGO),
    "askbot": (made.ASKBOT, {2: "deleted", 3: "unapproved", 4: "private"}),
}
ACCEPTED = {"flarum", "xenforo", "discourse", "misago", "askbot"}
VOTED = {"xenforo", "discourse", "misago", "askbot"}


@pytest.fixture(scope="module")
def socket() -> Iterator[str]:
    with running_mariadb() as socket:
        for name, (statements, _) in MYSQL.items():
            fill(socket, name, statements)
        yield socket


@pytest.fixture
def address(socket: str) -> Callable[[str], Address]:
    secret = quote("s3cret:/@", safe="")
    return lambda name: Address.of(f"mysql://reader:{secret}@localhost/{name}?socket={socket}")


def check(records: list[Record], shape: str, hidden: dict[int, str]) -> None:
    assert {
        int(one.external_id or 0): one.reason for one in records if isinstance(one, Hidden)
    } == hidden
    first = records[0]
    assert isinstance(first, SourceQuestion)
    assert (first.external_id, first.title) == ("1", 'How do I boil an "egg"?')
    assert "cracks" in first.body
    assert not {"[", "<"} & set(first.body)
    assert (first.author, first.asked_at) == ("ana", ASKED)
    assert (first.facts.answers, first.facts.closed) == (3, True)
    assert first.facts.accepted_answer == ("77" if shape in ACCEPTED else None)
    assert first.facts.votes == (5 if shape in VOTED else None)
    assert first.updated_at in {ASKED, EDITED}


@pytest.mark.parametrize("shape", MYSQL)
def test_questions_of_a_mysql_forum(shape: str, address: Callable[[str], Address]) -> None:
    records = list(open_database(address(shape), shape=shape, base_url="https://forum.example/f"))

    check(records, shape, MYSQL[shape][1])
    assert str(records[0].url).startswith("https://forum.example/f/")  # type: ignore[union-attr]


@pytest.mark.parametrize("shape", POSTGRES)
def test_questions_of_a_postgres_forum(shape: str, servers: Addresses) -> None:
    statements, hidden = POSTGRES[shape]
    url = make_url(servers.database_url)
    connection = psycopg2.connect(host=url.query["host"], user=url.username, dbname=url.database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "forum_{shape}"')
    connection.close()
    host = str(url.query["host"])
    with psycopg2.connect(host=host, user=url.username, dbname=f"forum_{shape}") as connection:
        connection.cursor().execute(statements)
    connection.close()
    address = Address.of(f"postgresql://{url.username}@localhost/forum_{shape}?socket={host}")

    program = shape.partition("-")[0]
    records = list(open_database(address, shape=program))

    check(records, program, hidden)


def test_pages_follow_each_other_and_a_lost_connection_is_made_anew(
    address: Callable[[str], Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    monkeypatch.setattr(reading, "_PAUSE_S", 0)
    page, calls = MySql.page, []

    def failing(self: MySql, query: str, *, after: int, since: object) -> object:
        calls.append(after)
        if len(calls) == 2:
            raise LostError("gone away")
        return page(self, query, after=after, since=since)  # type: ignore[arg-type]

    monkeypatch.setattr(MySql, "page", failing)

    records = list(open_database(address("phpbb"), shape="phpbb"))

    assert [one.line for one in records] == [1, 2, 3, 4, 5, 6, 7]
    assert calls == [0, 2, 2, 4, 6]


def test_only_what_changed_since_a_moment_is_read(address: Callable[[str], Address]) -> None:
    since = datetime(2015, 1, 1, tzinfo=UTC)

    records = list(open_database(address("phpbb"), shape="phpbb", since=since))

    assert [one.line for one in records] == [1]


def test_nothing_can_be_written_even_by_who_may(socket: str) -> None:
    connection = MySql(Address.of(f"mysql://root@localhost/phpbb?socket={socket}"))

    with closing(connection), pytest.raises(LostError, match="READ ONLY"):
        connection.page("DELETE FROM phpbb_topics", after=0, since=None)


@pytest.mark.parametrize(
    ("shape", "prefix", "told"),
    [
        ("smf", None, "this is not a smf database: there is no column smf_topics.id_first_msg"),
        ("phpbb", "old_", "--table-prefix"),
        ("phpbb", "a; DROP", "a prefix of tables"),
        ("discourse", None, "--as phpbb, vbulletin, xenforo, mybb, smf, flarum"),
    ],
)
def test_another_programs_database_is_told(
    address: Callable[[str], Address], shape: str, prefix: str | None, told: str
) -> None:
    with pytest.raises(UnreadableArchiveError, match=told.replace("(", r"\(")):
        open_database(address("phpbb"), shape=shape, prefix=prefix)


def test_a_wrong_password_is_told_without_it(socket: str) -> None:
    wrong = Address.of(f"mysql://reader:topsecret@localhost/phpbb?socket={socket}")

    with pytest.raises(UnreadableArchiveError) as caught:
        open_database(wrong, shape="phpbb")

    assert "topsecret" not in str(caught.value)
    assert "Access denied" in str(caught.value)


def test_the_password_is_shown_nowhere_and_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("of the file\n")
    text = "mysql://reader@db.example:3307/forum"

    from_file = Address.of(text, password_file=file)
    monkeypatch.setenv("ASKEDBEFORE_SOURCE_PASSWORD", "of the environment")
    from_environment = Address.of(text)

    assert (from_file.password, from_environment.password) == ("of the file", "of the environment")
    assert "of the" not in f"{from_file!r}{from_file.shown}"
    assert from_file.shown == "mysql://db.example:3307/forum"
    assert has_password("mysql://a:b@c/d")
    assert not has_password(text)
