"""Which process of a run this is, where `torchrun` or `accelerate launch` started several."""

from pydantic import NonNegativeInt, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Rank(BaseSettings):
    """The place of this process among those of the run, as the launchers set it."""

    model_config = SettingsConfigDict(frozen=True)

    rank: NonNegativeInt = 0
    world_size: PositiveInt = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the one process that writes files and speaks to people."""
        return self.world_size == 1 or self.rank == 0
