"""Makes a model ready for the CPU: exports it to ONNX, quantises it to int8, and caches it.

The key of the cache is the model's digest. Every export is compared with the original model before
it is used, because a graph that loads and runs can still be wrong.
"""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog

from db.errors import (
    IncompatibleModelError,
    NotInstalledError,
    ServiceError,
    TransientError,
    UnreadableModelError,
)
from db.vectors.rows import ModelKind
from worker.inference.runner import Floats, Runner, in_order
from worker.inference.tokens import TOKENIZER_FILE, ModelSpec, Precision, Tokens
from worker.weights.apart import beside, emptied, locked

if TYPE_CHECKING:
    from worker.inference.torch_backend import Source

log = structlog.get_logger(__name__)

MODEL_FILE = "model.onnx"
EXPORT_MEMORY_MB = 1_300
"""Peak memory of an export of a small model, with PyTorch loaded; measured: 1,232 MB."""
RECIPE = "int8-4"
"""Part of the cache's key: change it whenever this module makes other files."""

_UNREADABLE = 4
_MEAN_COSINE = 0.985
_MEAN_DIFFERENCE = 0.02
_OPSET = 20
_PROBES = (
    "How do I reset my password?",
    "How can I change a password I have forgotten?",
    "What do apples consist of?",
    "What are in Apple devices?",
    "How do I get good at programming?",
    "How to become a good programmer?",
    "Why is the sky blue?",
    "Which is the best way to learn French in three months?",
    "Can I return a product that was bought in another country?",
    "Is it safe to eat eggs after their best-before date?",
    "What is the difference between TCP and UDP?",
    "Why does my laptop get hot when it charges?",
    "How much does it cost to repair a cracked screen?",
    "Who was the first person to climb Mount Everest?",
    "How long does it take to fly from London to Tokyo?",
    "Does coffee stunt growth?",
    "What should I do when my neighbour's dog barks all night and nobody at home ever answers?",
    "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
    "Docker container exits immediately with code 0, why?",
    "How do I prove that the square root of 2 is irrational?",
    "Is 0.999... equal to 1?",
    "Should I take a loan to pay off a credit card with a 24% rate?",
    "Where can I watch the World Cup final online for free?",
    "What happens to a bank account after its owner dies?",
)


class ModelNotMadeError(TransientError):
    """The export was killed."""

    def __init__(self, folder: Path, number: signal.Signals) -> None:
        memory = " Most likely memory ran out." if number is signal.SIGKILL else ""
        super().__init__(
            f"the export of {folder} was ended by {number.name}.{memory} It needs"
            f" {EXPORT_MEMORY_MB} MB once: give this process more, or export the model elsewhere"
            " with `askedbefore models export` and set ASKEDBEFORE_MODEL_EXPORTS",
        )


def ready_folder(digest: str, cache: Path) -> Path:
    """Return the folder in *cache* of a model's export; the folder exists once it is ready."""
    return cache / f"{digest[:32]}-{RECIPE}"


def exported(kind: ModelKind, folder: Path, *, digest: str, cache: Path) -> Path:
    """Return the folder of the model's export, from the cache or made now.

    Raises the errors of `exporting`.
    """
    with exporting(kind, folder, digest=digest, cache=cache):
        pass
    return ready_folder(digest, cache)


@contextmanager
def exporting(kind: ModelKind, folder: Path, *, digest: str, cache: Path) -> Iterator[None]:
    """Export the model in *folder* beside the block, and wait for the export at the block's end.

    If two workers start at once, one exports and the other waits. The work is done in a process of
    its own, so that its gigabyte of memory is free afterwards. Raises `UnreadableModelError`,
    `IncompatibleModelError` if the model cannot be exported or no export agrees with it,
    `ModelNotMadeError` if the export was killed, and `NotInstalledError` without PyTorch.
    """
    ready = ready_folder(digest, cache)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(ready.with_suffix(".lock")):
        if ready.is_dir():
            yield
            return
        log.info("model.exporting", folder=str(folder), cache=str(ready))
        with emptied(ready.with_suffix(".work")) as work:
            made = work / "made"
            with _exporting_apart(kind, folder, made):
                yield
            made.rename(ready)
        _report(ready, folder)


def take_exports(exports: Path, cache: Path) -> list[str]:
    """Copy exported models from *exports* into *cache* if they are missing; return their names.

    Raises `UnreadableModelError` if there is no such folder.
    """
    if not exports.is_dir():
        raise UnreadableModelError(exports, "ASKEDBEFORE_MODEL_EXPORTS names no folder")
    cache.mkdir(parents=True, exist_ok=True)
    taken = []
    for made in sorted(path for path in exports.iterdir() if path.is_dir()):
        ready = cache / made.name
        with locked(ready.with_suffix(".lock")):
            if not ready.is_dir():
                with emptied(ready.with_suffix(".work")) as work:
                    shutil.copytree(made, work / "made")
                    (work / "made").rename(ready)
                taken.append(made.name)
    return taken


def _report(ready: Path, folder: Path) -> None:
    precision = ModelSpec.load(ready).precision
    if precision is Precision.INT8:
        log.info("model.exported", folder=str(folder), precision=precision)
    else:
        log.warning("model.int8_refused", folder=str(folder), precision=precision)


@contextmanager
def _exporting_apart(kind: ModelKind, folder: Path, made: Path) -> Iterator[None]:
    if find_spec("torch") is None:
        raise NotInstalledError(f"exporting {folder} to ONNX", needs="PyTorch", extra="worker")
    command = [sys.executable, "-m", "worker.weights.export", kind.value, str(folder), str(made)]
    with beside(command) as export:
        yield
        code, reason = export.wait()
    if code < 0:
        raise ModelNotMadeError(folder, signal.Signals(-code))
    if code == _UNREADABLE:
        raise UnreadableModelError(folder, reason)
    if code:
        raise IncompatibleModelError(f"{folder}: {reason}")


def main(kind: str, folder: str, made: str) -> int:
    """Export the model in *folder* to the new folder *made*, as ``-m worker.weights.export``.

    Returns the exit code.
    """
    from worker.inference.torch_backend import read  # noqa: PLC0415  # loads PyTorch

    try:
        export(read(ModelKind(kind), Path(folder), attention="eager"), Path(made))
    except ServiceError as error:
        sys.stderr.write(f"\n{' '.join(str(error).split())}\n")
        return _UNREADABLE if isinstance(error, UnreadableModelError) else 1
    return 0


def export(source: "Source", folder: Path) -> None:
    """Write *source* to *folder* in int8 if that agrees with fp32, otherwise in fp32.

    Raises `IncompatibleModelError` if neither agrees, or the model cannot be exported.
    """
    # These load ONNX, which only an export needs.
    from worker.weights.quantise import quantise  # noqa: PLC0415
    from worker.weights.selecting import select_early_in  # noqa: PLC0415

    folder.mkdir(parents=True)
    (folder / TOKENIZER_FILE).write_text(source.tokenizer, encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        full = Path(work) / MODEL_FILE
        _write_onnx(source, full)
        select_early_in(full)
        quantise(full, folder / MODEL_FILE)
        reference = _reference(source, folder)
        precision = Precision.INT8
        if not agrees(reference, _probe(folder, source.spec)):
            precision = Precision.FP32
            shutil.copyfile(full, folder / MODEL_FILE)
            if not agrees(reference, _probe(folder, source.spec)):
                raise IncompatibleModelError(
                    "the exported model does not agree with the PyTorch model"
                )
    replace(source.spec, precision=precision).save(folder)


def agrees(reference: Floats, rows: Floats) -> bool:
    """Return whether *rows* agree with *reference*: vectors by cosine, logits by probability."""
    if reference.ndim > 1:
        return float(_cosines(reference, rows).mean()) >= _MEAN_COSINE
    difference = np.abs(_sigmoid(reference) - _sigmoid(rows))
    return float(difference.mean()) <= _MEAN_DIFFERENCE


def _cosines(left: Floats, right: Floats) -> Floats:
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / np.maximum(norms, 1e-12), np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0))), np.float32)


def _reference(source: "Source", folder: Path) -> Floats:
    from worker.inference.torch_backend import TorchRunner  # noqa: PLC0415  # loads PyTorch

    return _run_probes(TorchRunner(source, device="cpu"), folder, source.spec)


def _probe(folder: Path, spec: ModelSpec) -> Floats:
    from worker.inference.onnx_backend import OnnxRunner  # noqa: PLC0415  # loads ONNX Runtime

    return _run_probes(OnnxRunner(folder / MODEL_FILE, inputs=spec.inputs), folder, spec)


def _run_probes(runner: Runner, folder: Path, spec: ModelSpec) -> Floats:
    tokens = Tokens.from_file(folder / TOKENIZER_FILE, spec)
    ids = tokens.ids(_PROBES)
    if spec.dimension > 1:
        made = list(tokens.singles(ids, token_budget=runner.token_budget))
    else:
        count = len(_PROBES)
        pairs = [(one, (one + step) % count) for one in range(count) for step in (0, 1, 2)]
        made = list(tokens.pairs(ids, np.array(pairs, np.int32), token_budget=runner.token_budget))
    return in_order(made, runner.run(made))


def _write_onnx(source: "Source", path: Path) -> None:
    import torch  # noqa: PLC0415  # only an export needs it

    example = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 9], [5, 6, 7, 8, 9]])
    feeds = {"input_ids": example, "attention_mask": torch.ones_like(example)}
    inputs = tuple(feeds.get(name, torch.zeros_like(example)) for name in source.spec.inputs)
    axes = {0: torch.export.Dim("rows", max=65_536), 1: torch.export.Dim("length", max=512)}
    try:
        program = torch.onnx.export(
            source.module,
            inputs,
            dynamo=True,
            dynamic_shapes=(tuple(axes for _ in inputs),),
            input_names=list(source.spec.inputs),
            output_names=["rows"],
            opset_version=_OPSET,
            verbose=False,
        )
        if program is None:
            raise IncompatibleModelError("the export gave nothing")
        program.save(str(path))
    except (RuntimeError, ValueError, TypeError, torch.onnx.OnnxExporterError) as error:
        raise IncompatibleModelError(f"the model cannot be exported: {error}") from error


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
