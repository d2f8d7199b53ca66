"""Secrets in files, and passwords of any characters in addresses."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from db.errors import InvalidInputError
from db.secrets_in_files import ServiceSettings, with_password

ADDRESS = "postgresql://ana:old@db.example:5432/forum?sslmode=require"


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TOY_")

    key: SecretStr = SecretStr("none")


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that ``TOY_KEY_FILE`` names, which is not there yet."""
    file = tmp_path / "key"
    monkeypatch.setenv("TOY_KEY_FILE", str(file))
    return file


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_is_the_text_of_its_file_without_the_end_of_the_line(
    named: Path, ending: str
) -> None:
    named.write_bytes(f" pass word{ending}".encode())

    assert Settings().key.get_secret_value() == " pass word"


def test_what_is_given_goes_before_a_file_and_a_file_before_the_default(named: Path) -> None:
    named.write_text("of the file")

    assert Settings(key=SecretStr("given")).key.get_secret_value() == "given"
    assert Settings().key.get_secret_value() == "of the file"


def test_a_secret_in_two_places_is_refused(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named.write_text("of the file")
    monkeypatch.setenv("TOY_KEY", "of the environment")

    # Which of the two is meant, nobody can know; but the stronger source hides the other.
    with pytest.raises(InvalidInputError, match="TOY_KEY and TOY_KEY_FILE are both set"):
        Settings()


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff", "not text")])
def test_a_file_that_cannot_be_read_is_named_with_its_reason(
    named: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        named.write_bytes(content)

    with pytest.raises(InvalidInputError, match=f"TOY_KEY_FILE: .*{reason}"):
        Settings()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_address_has_whatever_password_it_is_given(password: str) -> None:
    made = urlsplit(with_password(ADDRESS, password))

    assert unquote(made.password or "") == password
    assert made._replace(netloc="") == urlsplit(ADDRESS)._replace(netloc="")
    assert (made.username, made.hostname, made.port) == ("ana", "db.example", 5432)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_last_password_stands_and_one_without_a_password_gets_one(password: str) -> None:
    wanted = with_password(ADDRESS, password)

    assert with_password(with_password(ADDRESS, "other"), password) == wanted
    assert with_password(ADDRESS.replace(":old", ""), password) == wanted
