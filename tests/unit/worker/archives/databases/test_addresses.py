"""The address of a forum's database is read, and its password is shown to nobody."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.archives.databases.addresses import Address, has_password, is_address
from worker.archives.readers.records import UnreadableArchiveError

SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)


@given(SECRETS, SECRETS, SECRETS)
def test_any_user_password_and_database_come_through_an_address(
    user: str, password: str, database: str
) -> None:
    parts = [quote(one, safe="") for one in (user, password, database)]

    found = Address.of("mysql://{}:{}@db.example:3307/{}".format(*parts))

    assert (found.user, found.password) == (user, password)
    assert found.database == database
    assert (found.host, found.port) == ("db.example", 3307)


@given(SECRETS)
def test_a_password_is_shown_nowhere(password: str) -> None:
    secret = f"{password}-secret"

    found = Address.of(f"postgres://ana:{quote(secret, safe='')}@db/forum")

    assert secret not in repr(found)
    assert secret not in found.shown
    assert "ana" not in found.shown


@pytest.mark.parametrize(
    ("text", "engine", "shown"),
    [
        ("mysql://ana@db/forum", "mysql", "mysql://db/forum"),
        ("MariaDB://db:3307/forum", "mysql", "mysql://db:3307/forum"),
        ("postgres://db/forum", "postgresql", "postgresql://db/forum"),
        ("postgresql:///forum", "postgresql", "postgresql://localhost/forum"),
        ("mysql:///forum?socket=/run/mysqld.sock", "mysql", "mysql://localhost/forum"),
        ("mysql://[2001:db8::1]:3307/forum", "mysql", "mysql://[2001:db8::1]:3307/forum"),
        ("mysql://[::1]/forum", "mysql", "mysql://[::1]/forum"),
    ],
)
def test_an_address_is_shown_as_it_may_be_written_again(text: str, engine: str, shown: str) -> None:
    found = Address.of(text)

    assert is_address(text)
    assert (found.engine, found.shown) == (engine, shown)
    assert Address.of(found.shown).shown == shown


def test_a_socket_is_taken_from_the_address() -> None:
    assert Address.of("mysql:///f?socket=%2Frun%2Fa%20b.sock").socket == "/run/a b.sock"
    assert Address.of("mysql://h/f").socket is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://db", "names no database: mysql://USER@HOST/NAME"),
        ("mysql://db/", "names no database"),
        ("mysql://db:x/forum", "not the address of a database"),
        ("mysql://db:99999/forum", "not the address of a database"),
        ("mysql://[::1/forum", "not the address of a database"),
        ("mysql://u:p/a@db/forum", "not the address of a database"),
        ("mysql://db/forum?ssl=1", "an unknown part: ssl"),
        ("mysql://db/forum?a=1&socket=/s&b=2", "an unknown part: a"),
    ],
)
def test_what_is_no_address_says_why_and_nothing_secret(text: str, said: str) -> None:
    with pytest.raises(UnreadableArchiveError, match=said):
        Address.of(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("mysql://db/f", True),
        ("POSTGRES://db/f", True),
        ("dump.sql", False),
        ("https://db/f", False),
        ("file-mysql://db/f", False),
        ("", False),
    ],
)
def test_a_database_is_told_from_a_file(text: str, *, is_one: bool) -> None:
    assert is_address(text) is is_one


@pytest.mark.parametrize(
    ("text", "has_one"),
    [
        ("mysql://u:p@db/f", True),
        ("mysql://u@db/f", False),
        ("mysql://u:@db/f", False),
        ("mysql://db/f:p@x", False),
    ],
)
def test_an_address_that_holds_its_password_is_noticed(text: str, *, has_one: bool) -> None:
    assert has_password(text) is has_one


@pytest.mark.parametrize(
    ("content", "password"),
    [("secret\n", "secret"), ("secret\r\n", "secret"), (" se cret ", " se cret "), ("", "")],
)
def test_a_password_may_come_from_a_file(tmp_path: Path, content: str, password: str) -> None:
    (tmp_path / "password").write_bytes(content.encode())

    found = Address.of("mysql://u@db/f", password_file=tmp_path / "password")

    assert found.password == password


def test_the_address_goes_before_the_file_and_the_file_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKEDBEFORE_SOURCE_PASSWORD", "of the environment")
    file = tmp_path / "password"
    file.write_text("of the file")

    found = [
        Address.of("mysql://u:given@db/f", password_file=file),
        Address.of("mysql://u@db/f", password_file=file),
        Address.of("mysql://u@db/f"),
    ]

    assert [one.password for one in found] == ["given", "of the file", "of the environment"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_without_a_password_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(UnreadableArchiveError, match="password: the password cannot be read"):
        Address.of("mysql://u@db/f", password_file=file)
