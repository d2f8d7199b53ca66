"""Settings of the HTTP service; they refuse to start on an unsafe value."""

from typing import Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.settings import PLACEHOLDER

SECRET_LENGTH = 32


class ApiSettings(BaseSettings):
    """API settings, read from ``ASKEDBEFORE_*``; refuses placeholders and short secrets."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    redis_url: SecretStr = Field(description="URL of Redis, `redis://...` or `unix:///...`")
    secret_key: SecretStr = Field(
        description="Signs what the console hands out; at least 32 characters, your own"
    )
    max_payload_bytes: PositiveInt = Field(
        default=2 * 1024 * 1024, description="Bytes of a request's body at most"
    )
    max_archive_bytes: PositiveInt = Field(
        default=4 * 1024**3, description="Bytes of an uploaded archive at most, as it is sent"
    )
    wait_limit_s: NonNegativeFloat = Field(
        default=10.0, description="Longest `?wait=` for which a submission may be held open"
    )
    wait_slots: PositiveInt = Field(
        default=64, description="Submissions a process holds open; further ones are not waited for"
    )
    check_timeout_s: PositiveFloat = Field(
        default=5.0, description="Seconds after which a check that no worker took up is given up"
    )
    check_slots: PositiveInt = Field(
        default=16, description="Checks a process has in hand; further ones are sent away"
    )
    readiness_proof_s: PositiveInt = Field(
        default=180, description="Seconds for which a worker's last real inference is believed"
    )
    access_cache_s: NonNegativeFloat = Field(
        default=1.0, description="Seconds for which a key's rights and its forums are remembered"
    )
    pending_cache_s: NonNegativeFloat = Field(
        default=1.0, description="Seconds for which a forum's count of waiting questions is kept"
    )

    @model_validator(mode="after")
    def _secrets_must_be_chosen(self) -> Self:
        for name in ("redis_url", "secret_key"):
            if PLACEHOLDER in getattr(self, name).get_secret_value():
                raise ValueError(f"{name} still holds the placeholder: choose your own")
        if len(self.secret_key.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"secret_key must have at least {SECRET_LENGTH} characters")
        return self
