"""Settings of the HTTP service; they refuse to start on an unsafe value."""

import re
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self
from urllib.parse import urlsplit

from pydantic import (
    DirectoryPath,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from db.settings import PLACEHOLDER
from worker.settings import BrokerSettings

SECRET_LENGTH = 32
_ADDRESS = re.compile(r"https?://[^/?#\s]+(/(?!v1|console)[\w.~-]+(/[\w.~-]+)*)?", re.ASCII)
"""A host, and a path that cannot be mistaken for one of the service's own paths."""


@cache
def _networks(listed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one.strip()) for one in listed.split(",") if one.strip())


_PROOFS_MISSED = 3


class ApiSettings(BrokerSettings):
    """API settings, read from ``ASKEDBEFORE_*``; refuses placeholders and short secrets."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    secret_key: SecretStr = Field(
        description="Secret of your own that signs cookies and links of the console; at least 32"
        " characters"
    )
    public_url: str = Field(
        default="",
        description="Address under which browsers reach the service, such as"
        " `https://duplicates.example`, or with the path that a proxy gives it,"
        " `https://forum.example/duplicates`; links and cookies follow it",
    )
    trusted_proxies: str = Field(
        default="127.0.0.0/8,::1/128",
        description="Networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count",
    )
    max_payload_bytes: PositiveInt = Field(
        default=2 * 1024 * 1024, description="Largest body of a request in bytes"
    )
    max_archive_bytes: PositiveInt = Field(
        default=4 * 1024**3, description="Largest uploaded archive in bytes, as it is sent"
    )
    upload_slots: PositiveInt = Field(
        default=4,
        description="Archives that one process loads at once; others are refused",
    )
    upload_slots_per_forum: PositiveInt = Field(
        default=2, description="Archives of one forum that one process loads at once"
    )
    upload_memory_bytes: PositiveInt = Field(
        default=256 * 1024**2,
        description="Memory in bytes that reading one archive may use",
    )
    upload_time_limit_s: PositiveFloat = Field(
        default=3_600.0, description="Seconds in which an archive must arrive and be stored"
    )
    upload_silence_s: PositiveFloat = Field(
        default=120.0,
        description="Seconds in which the process that reads an archive must begin, and then give a"
        " sign of life repeatedly; if the machine is too busy for that, the answer is 503",
    )
    upload_idle_s: PositiveFloat = Field(
        default=30.0, description="Seconds without a byte after which an upload is ended"
    )
    upload_folder: DirectoryPath | None = Field(
        default=None,
        description="Folder for uploads until they are stored; unset: the system's own",
    )
    upload_free_bytes: NonNegativeInt = Field(
        default=1024**3, description="Bytes that uploads leave free on the disk of that folder"
    )
    wait_limit_s: NonNegativeFloat = Field(default=10.0, description="Longest `?wait=` in seconds")
    wait_slots: PositiveInt = Field(
        default=64,
        description="Submissions that may wait in one process; others are answered at once",
    )
    check_timeout_s: PositiveFloat = Field(
        default=5.0, description="Seconds after which an unanswered check is given up"
    )
    check_slots: PositiveInt = Field(
        default=16,
        description="Most checks that run in one process; others are answered with 503",
    )
    serve_docs: bool = Field(
        default=False, description="Whether `/docs` shows the description of the API to everybody"
    )
    ask_per_minute: PositiveInt = Field(
        default=90,
        description="Calls with a public key that one process takes from one address in a minute",
    )
    proof_s: PositiveInt = Field(
        default=30, description="Seconds between two inferences that prove a worker is able"
    )
    readiness_proof_s: PositiveInt | None = Field(
        default=None,
        description="Seconds for which a worker's last run of its models is a proof; unset, three"
        " times `ASKEDBEFORE_PROOF_S`",
    )
    access_cache_s: NonNegativeFloat = Field(
        default=1.0, description="Seconds for which a key's rights and forums are kept in memory"
    )
    pending_cache_s: NonNegativeFloat = Field(
        default=1.0,
        description="Seconds for which a forum's count of waiting questions is kept in memory",
    )

    @property
    def believed_s(self) -> int:
        """Return for how many seconds a worker's last proof is believed."""
        return self.readiness_proof_s or _PROOFS_MISSED * self.proof_s

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks of trusted proxies."""
        return _networks(self.trusted_proxies)

    @property
    def path(self) -> str:
        """Return the path under which a proxy shows the service; empty without one."""
        return urlsplit(self.public_url).path

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_address(cls, url: str) -> str:
        scheme, colon, rest = url.rstrip("/").partition(":")
        address = f"{scheme.lower()}{colon}{rest}"
        if url and not (_ADDRESS.fullmatch(address) and urlsplit(address).hostname):
            raise ValueError(
                "public_url must be like https://duplicates.example or https://forum.example/dup"
            )
        return address

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, listed: str) -> str:
        _networks(listed)
        return listed

    @model_validator(mode="after")
    def _a_forum_leaves_slots(self) -> Self:
        if self.upload_slots_per_forum >= self.upload_slots:
            raise ValueError("upload_slots must be more than upload_slots_per_forum")
        return self

    @model_validator(mode="after")
    def _secrets_must_be_chosen(self) -> Self:
        if PLACEHOLDER in self.secret_key.get_secret_value():
            raise ValueError("secret_key still holds the placeholder: choose your own")
        if len(self.secret_key.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"secret_key must have at least {SECRET_LENGTH} characters")
        return self
