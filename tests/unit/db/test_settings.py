"""Addresses of a database: hosters' spellings are taken, and nothing else than Postgres."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url

from db.settings import DatabaseSettings

REST = "ana:secret@db.example:5433/asked?sslmode=require"


def settings(url: str, **given: object) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"database_url": url, **given})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_postgres_means_the_driver_that_is_installed(scheme: str) -> None:
    found = settings(f"{scheme}://{REST}").database_url.get_secret_value()

    assert found == f"postgresql+psycopg2://{REST}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db.example",
        "mysql://db.example/asked",
        "postgresql+asyncpg://db.example/asked",
        "sqlite:///asked.db",
        "postgres:db.example",
        "POSTGRES://db.example/asked",
        "postgresql://ana:change-me@db.example/asked",
    ],
)
def test_another_database_and_a_placeholder_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(url)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_a_password_apart_may_have_any_characters(password: str) -> None:
    if "change-me" in password:
        return
    found = settings("postgres://ana@db.example/asked", database_password=SecretStr(password))

    url = make_url(found.database_url.get_secret_value())
    assert (url.username, url.password, url.host, url.database) == (
        "ana",
        password,
        "db.example",
        "asked",
    )


def test_a_placeholder_apart_is_refused_and_no_secret_is_shown() -> None:
    with pytest.raises(ValidationError, match="still the placeholder"):
        settings("postgres://ana@db.example/asked", database_password="change-me")  # noqa: S106
    assert "hunter2" not in repr(settings("postgres://ana:hunter2@db.example/asked"))
