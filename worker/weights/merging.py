"""Adds a low-rank adapter to the weights of an MPNet bi-encoder, and writes a CrossEncoder.

It runs in a process of its own (``-m worker.weights.merging``), because it has the weights twice in
memory.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.errors import IncompatibleModelError, ServiceError
from worker.scoring.calibration import CALIBRATION_FILE

_ENCODER = "mpnet."
_HEAD = "classifier."
HEAD_FILES = ("config_sentence_transformers.json", "modules.json", "sentence_bert_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "special_tokens_map.json", "vocab.txt")
_MAX_LENGTH = 256

Weights = dict[str, NDArray[Any]]


def merge(base: Path, adapter: Path, folder: Path, *, scale: float) -> None:
    """Write the base, with the adapter added to its weights, and the head as one CrossEncoder.

    Raises `IncompatibleModelError` if the base lacks a weight that the adapter changes.
    """
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415  # only where it is merged

    folder.mkdir(parents=True, exist_ok=True)
    published = load_file(base / "model.safetensors")
    weights = added(published, load_file(adapter / "adapter.safetensors"), scale=scale)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _describe(base, adapter, folder)


def added(published: Weights, learnt: Weights, *, scale: float) -> Weights:
    """Return the weights of the CrossEncoder, fp32: W + scale * B A where the adapter has A and B.

    The pooler is left out, because an MPNet CrossEncoder has none. Raises `IncompatibleModelError`
    if the base lacks a weight that the adapter changes.
    """
    made = {
        f"{_ENCODER}{name}": value.astype(np.float32, copy=False)
        for name, value in published.items()
        if "pooler." not in name and not name.endswith("position_ids")
    }
    for name, value in learnt.items():
        if name.startswith(_HEAD):
            made[name] = value.astype(np.float32)
        elif name.endswith(".A"):
            stem = name.removesuffix(".A")
            weight = f"{stem}.weight"
            if weight not in made:
                raise IncompatibleModelError(f"the base has no {weight.removeprefix(_ENCODER)}")
            product = learnt[f"{stem}.B"].astype(np.float32) @ value.astype(np.float32)
            made[weight] = made[weight] + np.float32(scale) * product
    return made


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
    tokenizer = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    _write(folder / "tokenizer_config.json", tokenizer | {"model_max_length": _MAX_LENGTH})
    for name in _TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, folder / name)
    for name in (*HEAD_FILES, CALIBRATION_FILE):
        if (adapter / name).is_file():  # a new adapter is calibrated once it is merged
            shutil.copyfile(adapter / name, folder / name)


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def main(base: str, adapter: str, folder: str, scale: str) -> int:
    """Merge; return 0, or 1 after one line on standard error with the reason."""
    try:
        merge(Path(base), Path(adapter), Path(folder), scale=float(scale))
    except (ServiceError, OSError, ValueError) as error:
        sys.stderr.write(f"\n{' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
