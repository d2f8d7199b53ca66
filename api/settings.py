"""Settings of the HTTP service; they refuse to start on an unsafe value."""

from typing import Self

from pydantic import (
    DirectoryPath,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)
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
    upload_slots: PositiveInt = Field(
        default=4, description="Archives a process takes in at a time; further ones are sent away"
    )
    upload_slots_per_forum: PositiveInt = Field(
        default=2, description="Archives of one forum a process takes in at a time"
    )
    upload_memory_bytes: PositiveInt = Field(
        default=256 * 1024**2,
        description="Bytes of memory that reading one archive may take for itself",
    )
    upload_time_limit_s: PositiveFloat = Field(
        default=3_600.0, description="Seconds in which an archive must arrive, and be stored"
    )
    upload_idle_s: PositiveFloat = Field(
        default=30.0, description="Seconds without a byte after which an upload is broken off"
    )
    upload_folder: DirectoryPath | None = Field(
        default=None,
        description="Folder in which an upload lies until it is stored; unset, the system's own",
    )
    upload_free_bytes: NonNegativeInt = Field(
        default=1024**3, description="Bytes of the folder's disk that uploads leave free"
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
    def _a_forum_leaves_slots(self) -> Self:
        if self.upload_slots_per_forum >= self.upload_slots:
            raise ValueError("upload_slots must be more than upload_slots_per_forum")
        return self

    @model_validator(mode="after")
    def _secrets_must_be_chosen(self) -> Self:
        for name in ("redis_url", "secret_key"):
            if PLACEHOLDER in getattr(self, name).get_secret_value():
                raise ValueError(f"{name} still holds the placeholder: choose your own")
        if len(self.secret_key.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"secret_key must have at least {SECRET_LENGTH} characters")
        return self
