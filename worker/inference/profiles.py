"""The two pairs of models that a user can choose by one word."""

from dataclasses import dataclass
from enum import StrEnum

from worker.inference.accurate import ACCURATE, BASE
from worker.inference.load import DEFAULT_ENCODER, DEFAULT_RERANKER


class Profile(StrEnum):
    """What matters more: that a flag is right, or how many questions a second are read."""

    ACCURATE = "accurate"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class ModelNames:
    """What a bi-encoder and a CrossEncoder are called, as `worker.inference.load` takes it."""

    bi_encoder: str
    reranker: str


_NAMES = {
    Profile.ACCURATE: ModelNames(BASE, ACCURATE),
    Profile.FAST: ModelNames(DEFAULT_ENCODER, DEFAULT_RERANKER),
}


def model_names(
    profile: Profile, *, bi_encoder: str | None = None, reranker: str | None = None
) -> ModelNames:
    """Return the models of *profile*; one that is named takes the place of the profile's."""
    names = _NAMES[profile]
    return ModelNames(bi_encoder or names.bi_encoder, reranker or names.reranker)
