import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from db.settings import DatabaseSettings
from worker.settings import WorkerSettings


def worker_settings(**changes: object) -> WorkerSettings:
    return WorkerSettings.model_validate({"redis_url": "redis://localhost/0", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"soft_time_limit_s": 280},
        {"time_limit_s": 301},
        {"lease_s": 600},
        {"visibility_timeout_s": 299},
        {"slice_s": 240.0},
    ],
)
def test_a_worker_refuses_times_that_would_let_two_workers_do_the_same(
    changes: dict[str, object],
) -> None:
    with pytest.raises(ValidationError, match="need slice_s < soft_time_limit_s"):
        worker_settings(**changes)


def test_the_defaults_are_safe() -> None:
    assert worker_settings().lease_s > worker_settings().time_limit_s


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (DatabaseSettings, "database_url", "postgresql+psycopg2://ab:change-me@localhost/ab"),
        (DatabaseSettings, "database_url", "sqlite://"),
        (DatabaseSettings, "database_url", "no url at all"),
        (WorkerSettings, "redis_url", "redis://:change-me@localhost/0"),
    ],
)
def test_placeholders_and_other_databases_are_refused_without_showing_the_secret(
    settings: type[BaseSettings], name: str, value: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        settings.model_validate({name: value})

    assert value not in " ".join(item["msg"] for item in caught.value.errors())


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_urls_are_taken_as_hosters_write_them(scheme: str) -> None:
    url = f"{scheme}://ab:p%40ss%2Fw@db.example:5432/ab?sslmode=require&application_name=x"

    kept = DatabaseSettings.model_validate({"database_url": url}).database_url.get_secret_value()

    assert kept == "postgresql+psycopg2" + url.removeprefix(scheme)


@pytest.mark.parametrize("url", ["postgresql+asyncpg://a@b/c", "postgresql+psycopg://a@b/c"])
def test_a_driver_that_is_not_installed_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be postgres://"):
        DatabaseSettings.model_validate({"database_url": url})
