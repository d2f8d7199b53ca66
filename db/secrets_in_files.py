"""Settings whose value is in a file, which ``ASKEDBEFORE_X_FILE`` names.

This keeps secrets out of the environment, which `docker inspect`, `/proc` and crash reports show.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from db.errors import InvalidInputError

_SUFFIX = "_FILE"


class ServiceSettings(BaseSettings):
    """Settings that are read from the environment or from the files that it names."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # not used here
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # nor this
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the strongest first."""
        return init_settings, env_settings, _NamedFiles(settings_cls)


class _NamedFiles(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        prefix = self.config.get("env_prefix") or ""
        variable = f"{prefix}{field_name}".upper()
        path = os.environ.get(variable + _SUFFIX)  # noqa: TID251  # this is a source of settings
        if not path:
            return None, field_name, False
        if variable in os.environ:  # noqa: TID251
            raise InvalidInputError(f"{variable} and {variable}{_SUFFIX} are both set: keep one")
        return _read(variable + _SUFFIX, Path(path)), field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        found = {name: self.get_field_value(field, name)[0] for name, field in fields}
        return {name: value for name, value in found.items() if value is not None}


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InvalidInputError(f"{variable}: {path} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{variable}: {path} is not text in UTF-8") from error


def with_password(url: str, password: str) -> str:
    """Return *url* with *password* in place of its own; the password may have any characters."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
