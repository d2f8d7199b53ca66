"""The identity of a model: a digest of all files that decide its numbers."""

import hashlib
from fnmatch import fnmatch
from pathlib import Path

from db.errors import UnreadableModelError

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx", "*.onnx.data")
_TOKENIZER = ("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*")
_TOKENIZER_PARTS = ("merges.txt", "*.model")
_CONFIGS = ("config.json", "modules.json", "sentence_*_config.json", "config_sentence_*.json")
_DEFINING = _WEIGHTS + _TOKENIZER + _TOKENIZER_PARTS + _CONFIGS


def folder_digest(folder: Path) -> str:
    """Return the hex SHA-256 of a model's weights, tokenizer and configs in *folder*.

    Model card, calibration, training notes and the path of the folder do not count. Raises
    `UnreadableModelError` if there is no model.
    """
    files = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and _defines(path)
    )
    if not files:
        raise UnreadableModelError(folder, "holds no model")
    total = hashlib.sha256()
    for name in files:
        total.update(f"{name.as_posix()}\0{file_digest(folder / name)}\n".encode())
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _defines(path: Path) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in _DEFINING)
