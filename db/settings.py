"""Where the database is."""

import re
from typing import Self

from pydantic import Field, PositiveInt, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from db.secrets_in_files import ServiceSettings, with_password

PLACEHOLDER = "change-me"
_SCHEME = re.compile(r"^postgres(ql)?://")


class DatabaseSettings(ServiceSettings):
    """Database settings, read from ``ASKEDBEFORE_*``; refuses placeholders and other databases."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    database_url: SecretStr = Field(
        description="URL of Postgres with pgvector: `postgres://`, `postgresql://` or"
        " `postgresql+psycopg2://...`"
    )
    database_password: SecretStr | None = Field(
        default=None,
        description="Password for `ASKEDBEFORE_DATABASE_URL`, with any characters;"
        " better as `_FILE`",
    )
    pool_size: PositiveInt = Field(default=5, description="Connections that a process keeps open")
    statement_timeout_s: PositiveInt = Field(
        default=60, description="Seconds after which Postgres ends a statement"
    )

    idle_transaction_timeout_s: PositiveInt = Field(
        default=60, description="Seconds after which Postgres ends a transaction that does nothing"
    )

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, url: SecretStr) -> SecretStr:
        # Hosters write it without a driver; then SQLAlchemy would use one that is not installed.
        return SecretStr(_SCHEME.sub("postgresql+psycopg2://", url.get_secret_value()))

    @model_validator(mode="after")
    def _put_the_password_in(self) -> Self:
        if self.database_password is not None:
            secret = self.database_password.get_secret_value()
            if PLACEHOLDER in secret:
                raise ValueError("database_password is still the placeholder: choose your own")
            url = with_password(self.database_url.get_secret_value(), secret)
            object.__setattr__(self, "database_url", SecretStr(url))  # frozen for everybody else
        return self

    @model_validator(mode="after")
    def _url_must_be_usable(self) -> Self:
        text = self.database_url.get_secret_value()
        if PLACEHOLDER in text:
            raise ValueError("database_url still holds the placeholder password: choose your own")
        try:
            url = make_url(text)
        except ArgumentError as error:
            raise ValueError("database_url is not the URL of a database") from error
        if url.drivername != "postgresql+psycopg2":
            raise ValueError(
                "database_url must be postgres://, postgresql:// or postgresql+psycopg2://..."
            )
        return self
