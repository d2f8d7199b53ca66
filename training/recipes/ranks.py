"""The number of this process, if `torchrun` or `accelerate launch` started several."""

from pydantic import NonNegativeInt, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Rank(BaseSettings):
    """The rank of this process in the run, as the launchers set it."""

    model_config = SettingsConfigDict(frozen=True)

    rank: NonNegativeInt = 0
    world_size: PositiveInt = 1

    @property
    def is_first(self) -> bool:
        """Return whether this is the process that writes files and prints."""
        return self.world_size == 1 or self.rank == 0
