"""The address of a forum's database, and its password, which is never shown."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.archives.readers.records import UnreadableArchiveError

_ENGINES = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
_ADDRESS = re.compile(rf"({'|'.join(_ENGINES)})://", re.IGNORECASE)


class SourceSettings(BaseSettings):
    """Settings for reading a forum's database."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    source_password: SecretStr | None = Field(
        default=None, description="Password of a forum's database that is imported from"
    )


def is_address(text: str) -> bool:
    """Return whether *text* is the address of a database."""
    return _ADDRESS.match(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a database, with its user and password."""

    engine: str
    host: str
    port: int | None
    user: str
    password: str = field(repr=False)
    database: str
    socket: str | None = None

    @classmethod
    def of(cls, text: str, *, password_file: Path | None = None) -> Self:
        """Return the address in *text*; the password may come from a file or the environment.

        Raises `UnreadableArchiveError`, whose message has no password.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise UnreadableArchiveError("this is not the address of a database") from error
        options = dict(parse_qsl(parts.query))
        if unknown := sorted(set(options) - {"socket"}):
            raise UnreadableArchiveError(f"the address has an unknown part: {unknown[0]}")
        database = unquote(parts.path.lstrip("/"))
        if not database:
            raise UnreadableArchiveError("the address names no database: mysql://USER@HOST/NAME")
        return cls(
            engine=_ENGINES[parts.scheme.lower()],
            host=parts.hostname or "localhost",
            port=port,
            user=unquote(parts.username or ""),
            password=_password(unquote(parts.password or ""), password_file),
            database=database,
            socket=options.get("socket"),
        )

    @property
    def shown(self) -> str:
        """Return the address without user and password, for people and as an archive's name."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.engine}://{host}{port}/{self.database}"


def has_password(text: str) -> bool:
    """Return whether the address itself has a password."""
    return bool(urlsplit(text).password)


def _password(given: str, file: Path | None) -> str:
    if given:
        return given
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableArchiveError(f"{file}: the password cannot be read") from error
    secret = SourceSettings().source_password
    return secret.get_secret_value() if secret is not None else ""
