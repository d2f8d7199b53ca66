"""Runs models in PyTorch: on a GPU in fp16, and as the source of an export to ONNX.

No other module of the worker uses sentence-transformers. Import this one only where such a model is
loaded: a forked worker must use CUDA first in the child, and a worker on a CPU must not load it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from db.errors import IncompatibleModelError, UnreadableModelError
from db.vectors.rows import ModelKind
from db.wording import counted
from worker.inference.runner import Floats, InferenceError
from worker.inference.tokens import Batch, ModelSpec

_Model = TypeVar("_Model", SentenceTransformer, CrossEncoder)

_LONGEST = 512
_TOKEN_BUDGETS = {"cuda": 32_768, "cpu": 512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model as its authors published it, in fp32, with its tokenizer."""

    module: nn.Module
    spec: ModelSpec
    tokenizer: str
    """The content of a ``tokenizer.json``."""


class _Chain(nn.Module):
    """All modules of a sentence-transformers model; returns one vector or logit for each row."""

    def __init__(self, steps: nn.Sequential, *, inputs: Sequence[str], output: str) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)
        self.inputs = inputs
        self.output = output
        self.prompt_length = 0

    def forward(self, *inputs: Tensor) -> Tensor:
        features: dict[str, Tensor | int] = dict(zip(self.inputs, inputs, strict=True))
        if self.prompt_length:
            features["prompt_length"] = self.prompt_length
        for step in self.steps:
            features = step(features)
        rows = features[self.output]
        if not isinstance(rows, Tensor):
            raise IncompatibleModelError(f"the model gives no tensor {self.output!r}")
        return rows.squeeze(-1) if self.output == "scores" else rows


def read(kind: ModelKind, folder: Path, *, attention: str | None = None) -> Source:
    """Return the sentence-transformers model of this *kind* in *folder*.

    *attention* names its implementation; by default the library takes the fastest one of the model.
    Raises `UnreadableModelError` if there is no such model, and `IncompatibleModelError` if a
    reranker gives more than one number for a pair, or if there is no fast tokenizer.
    """
    if kind is ModelKind.RERANKER:
        return _read_reranker(folder, attention)
    return _read_encoder(folder, attention)


def _read_encoder(folder: Path, attention: str | None) -> Source:
    model = _read(SentenceTransformer, folder, attention)
    prompt = model.prompts.get(model.default_prompt_name or "", "") or ""
    dimension = model.get_embedding_dimension()
    return _source(model, output="sentence_embedding", prompt=prompt, dimension=dimension or 0)


def _read_reranker(folder: Path, attention: str | None) -> Source:
    model = _read(CrossEncoder, folder, attention)
    if model.num_labels != 1:
        labels = counted(model.num_labels, "label")
        raise IncompatibleModelError(f"{folder}: {labels} a pair, 1 is needed")
    return _source(model, output="scores", prompt="", dimension=1)


def _read(kind: type[_Model], folder: Path, attention: str | None) -> _Model:
    options: dict[str, object] = {"dtype": torch.float32}
    if attention is not None:
        options["attn_implementation"] = attention
    transformers_logging.disable_progress_bar()
    try:
        model: _Model = kind(
            str(folder),
            device="cpu",
            local_files_only=True,
            model_kwargs=options,
        )
    except Exception as error:  # the files decide what the library raises
        raise UnreadableModelError(folder, f"no sentence-transformers model: {error}") from error
    return model


def _source(
    model: SentenceTransformer | CrossEncoder, *, output: str, prompt: str, dimension: int
) -> Source:
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise IncompatibleModelError("the model has no fast tokenizer")
    known = ("input_ids", "attention_mask", "token_type_ids")
    inputs = tuple(name for name in known if name in tokenizer.model_input_names)
    chain = _Chain(model, inputs=inputs, output=output)
    if prompt:
        chain.prompt_length = len(tokenizer(prompt)["input_ids"]) - 1
    spec = ModelSpec(
        inputs=inputs,
        max_length=min(model.max_seq_length or _LONGEST, _LONGEST),
        pad_id=tokenizer.pad_token_id or 0,
        pad_left=tokenizer.padding_side == "left",
        prompt=prompt,
        dimension=dimension,
    )
    return Source(module=chain.eval(), spec=spec, tokenizer=tokenizer.backend_tokenizer.to_str())


def without_plans_by_shape() -> None:
    """Compute attention in this process without cuDNN.

    On Hopper and later cards PyTorch prefers cuDNN, which builds a plan for each new pair of batch
    size and length. One plan takes about half a second, and batches of questions nearly always have
    a new shape. Source: pytorch/pytorch, pull request 155958.
    """
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)


class TorchRunner:
    """A model on one device: fp16 on a GPU, fp32 elsewhere."""

    def __init__(self, source: Source, *, device: str) -> None:
        self._device = torch.device(device)
        half = self._device.type == "cuda"
        if half:
            without_plans_by_shape()
        self._module = source.module.to(self._device, torch.float16 if half else torch.float32)
        self._inputs = source.spec.inputs
        self.token_budget = _TOKEN_BUDGETS[self._device.type]
        card = torch.cuda.get_device_name(self._device) if half else "cpu"
        self.runs_on = f"{card}, PyTorch {'fp16' if half else 'fp32'}"

    @torch.inference_mode()
    def run(self, batches: Sequence[Batch]) -> Floats:
        """Return the rows of all batches, one batch after the other, copied to the host once.

        They are (n,) or (n, dimension) float32. Raises `InferenceError` if PyTorch fails.
        """
        try:
            rows = torch.cat([self._module(*self._feed(batch)).float() for batch in batches])
            return rows.cpu().numpy()
        except RuntimeError as error:  # also when GPU memory runs out
            raise InferenceError(f"PyTorch failed: {error}") from error

    def _feed(self, batch: Batch) -> list[Tensor]:
        tensors = [torch.from_numpy(array) for array in batch.feed(self._inputs).values()]
        if self._device.type == "cpu":
            return tensors
        return [tensor.pin_memory().to(self._device, non_blocking=True) for tensor in tensors]
