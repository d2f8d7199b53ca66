"""Settings of the moderators' console."""

from datetime import timedelta

from pydantic import Field, PositiveInt
from pydantic_settings import SettingsConfigDict

from db.secrets_in_files import ServiceSettings


class ConsoleSettings(ServiceSettings):
    """Console settings, read from ``ASKEDBEFORE_CONSOLE_*``."""

    model_config = SettingsConfigDict(env_prefix="ASKEDBEFORE_CONSOLE_", frozen=True)

    session_hours: PositiveInt = Field(
        default=12, description="Hours after which a moderator signs in again"
    )
    claim_minutes: PositiveInt = Field(
        default=5, description="Minutes for which a pair on a moderator's screen is claimed"
    )
    live_interval_s: PositiveInt = Field(
        default=1, description="Seconds between two searches for colleagues' decisions"
    )

    @property
    def session_lifetime(self) -> timedelta:
        """Return how long a browser stays signed in."""
        return timedelta(hours=self.session_hours)

    @property
    def claim_lifetime(self) -> timedelta:
        """Return how long a claim lasts."""
        return timedelta(minutes=self.claim_minutes)
