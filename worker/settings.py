"""Worker settings; an unsafe combination is refused at the start."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from db.secrets_in_files import ServiceSettings, with_password
from db.settings import PLACEHOLDER

DEVICES = r"^(auto|cpu|cuda(:\d+)?)$"


class Profile(StrEnum):
    """The profiles: two pairs of models that a user chooses by one word."""

    AUTO = "auto"
    """`accurate` if its models are on this machine, otherwise `fast`."""
    ACCURATE = "accurate"
    """A larger bi-encoder and a larger CrossEncoder: more flags are right."""
    FAST = "fast"
    """The small models that are bundled: several times as many questions a second."""


class BrokerSettings(ServiceSettings):
    """The address of Redis, and tracing; the API, workers and the beat read these settings."""

    redis_url: SecretStr = Field(description="URL of Redis, `redis://...` or `unix:///...`")
    redis_password: SecretStr | None = Field(
        default=None,
        description="Password for `ASKEDBEFORE_REDIS_URL`, with any characters; better as `_FILE`",
    )

    traces: bool = Field(
        default=False,
        description="Whether to send OpenTelemetry traces; needs the extra `otel`; its own"
        " variables, such as `OTEL_EXPORTER_OTLP_ENDPOINT`, set the address",
    )

    @model_validator(mode="after")
    def _put_the_password_in(self) -> Self:
        if self.redis_password is not None:
            secret = self.redis_password.get_secret_value()
            url = with_password(self.redis_url.get_secret_value(), secret)
            object.__setattr__(self, "redis_url", SecretStr(url))  # the settings are frozen
        if PLACEHOLDER in self.redis_url.get_secret_value():
            raise ValueError("redis_url still holds the placeholder password: choose your own")
        return self


class WorkerSettings(BrokerSettings):
    """Worker settings, read from ``ASKEDBEFORE_*``; an unsafe combination is refused."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_", frozen=True)

    device: str = Field(
        default="auto",
        pattern=DEVICES,
        description="`auto`, `cpu`, `cuda` or `cuda:N`; auto uses a GPU if there is one",
    )
    alive_file: Path | None = Field(
        default=None,
        description="File that is touched after each proof of a worker and each round of the beat,"
        " for a check of their health",
    )
    public_url: str = Field(
        default="",
        description="Address under which browsers reach the service, such as"
        " `https://duplicates.example`, or with the path that a proxy gives it,"
        " `https://forum.example/duplicates`; links and cookies follow it",
    )
    profile: Profile = Field(
        default=Profile.AUTO,
        description="Models of a new database: `accurate`, `fast`, or `auto`, which is accurate if"
        " its models are on this machine; a database with models keeps them",
    )
    bi_encoder: str | None = Field(
        default=None,
        description="Bi-encoder to activate at start: a hub id, a sentence-transformers folder,"
        " `all-MiniLM-L6-v2` or `all-mpnet-base-v2`; unset: the active one stays",
    )
    reranker: str | None = Field(
        default=None,
        description="CrossEncoder to activate at start: a hub id, a sentence-transformers folder,"
        " `default` or `accurate`; unset: the active one stays",
    )
    model_cache: Path = Field(
        default=Path.home() / ".cache" / "askedbefore",
        description="Folder for models exported to ONNX",
    )
    model_exports: Path | None = Field(
        default=None,
        description="Folder of exported models, as in an image; a worker copies the models that"
        " its cache lacks",
    )
    token_budget: PositiveInt = Field(
        default=4_096, description="Tokens of the questions that are claimed at once"
    )
    claim_limit: PositiveInt = Field(
        default=256, description="Most questions that are claimed at once"
    )
    candidates: PositiveInt = Field(default=100, description="Candidates of each question")
    kept: PositiveInt = Field(default=10, description="Most pairs that are kept for each question")
    vector_memory_mb: NonNegativeInt = Field(
        default=512,
        description="MiB of vectors that a worker's process keeps in memory: about 400 bytes a"
        " question with 384 dimensions; larger forums are searched by the index in Postgres",
    )
    slice_s: PositiveFloat = Field(
        default=0.5, description="Seconds after which a task lets a more urgent lane go first"
    )
    lease_s: PositiveInt = Field(
        default=300,
        description="Seconds after which another worker takes a silent worker's questions",
    )
    soft_time_limit_s: PositiveInt = Field(
        default=240, description="Seconds after which a task is asked to stop"
    )
    time_limit_s: PositiveInt = Field(
        default=270, description="Seconds after which a task's process is killed"
    )
    visibility_timeout_s: PositiveInt = Field(
        default=600, description="Seconds after which Redis sends a lost message again"
    )
    sweep_s: PositiveInt = Field(
        default=10, description="Seconds between two searches for lost messages and ended leases"
    )
    proof_s: PositiveInt = Field(
        default=30,
        description="Seconds between two runs of the models that prove that a worker works",
    )
    events_days: PositiveInt = Field(default=90, description="Days after which events are deleted")
    deliveries_days: PositiveInt = Field(
        default=30, description="Days after which lines of the webhooks' log are deleted"
    )
    threads: NonNegativeInt = Field(
        default=0, description="CPU threads of one worker's inference; 0 means every core"
    )

    @model_validator(mode="after")
    def _leases_must_outlast_the_task(self) -> Self:
        # A task that runs longer than its lease would work on questions that another worker has
        # claimed. If it ran longer than the visibility timeout, Redis would send it again.
        times = (
            self.slice_s,
            self.soft_time_limit_s,
            self.time_limit_s,
            self.lease_s,
            self.visibility_timeout_s,
        )
        if list(times) != sorted(set(times)):
            raise ValueError(
                "need slice_s < soft_time_limit_s < time_limit_s < lease_s < visibility_timeout_s,"
                f" got {' , '.join(map(str, times))}"
            )
        return self
