"""The profiles: two pairs of models that a user chooses by one word."""

from dataclasses import dataclass
from pathlib import Path

from worker.settings import Profile
from worker.weights.accurate import PUBLISHED
from worker.weights.load import DEFAULT_ENCODER, DEFAULT_RERANKER
from worker.weights.prepare import are_at_hand


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The names of a bi-encoder and a CrossEncoder, as `worker.weights.load` takes them."""

    bi_encoder: str
    reranker: str


_NAMES = {
    Profile.ACCURATE: ModelNames(PUBLISHED.bi_encoder, PUBLISHED.reranker),
    Profile.FAST: ModelNames(DEFAULT_ENCODER, DEFAULT_RERANKER),
}


def settled(profile: Profile, cache: Path) -> Profile:
    """Return *profile*; instead of `auto` return `accurate` if its models are here, else `fast`.

    Nothing is fetched for this. *cache* is where models are kept once they are ready.
    """
    if profile is not Profile.AUTO:
        return profile
    return Profile.ACCURATE if are_at_hand(PUBLISHED, cache) else Profile.FAST


def model_names(
    profile: Profile, cache: Path, *, bi_encoder: str | None = None, reranker: str | None = None
) -> ModelNames:
    """Return the models of *profile*; *bi_encoder* and *reranker* replace the profile's own.

    With `auto` and one named model, the other one is that of `fast`.
    """
    if profile is Profile.AUTO and (bi_encoder or reranker):
        profile = Profile.FAST
    names = _NAMES[settled(profile, cache)]
    return ModelNames(bi_encoder or names.bi_encoder, reranker or names.reranker)


def profile_of(bi_encoder: str | None, reranker: str | None) -> Profile | None:
    """Return the profile with these two models, None if there is none."""
    return next(
        (
            profile
            for profile, names in _NAMES.items()
            if (names.bi_encoder, names.reranker) == (bi_encoder, reranker)
        ),
        None,
    )
