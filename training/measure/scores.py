"""Pairs scored by the models, with the same code that serves them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.vectors.rows import ModelKind
from training.data.pairs import LabelledPair
from training.measure.calibrate import RawScores
from training.measure.metrics import Floats
from worker.inference.digests import folder_digest
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker, TokenReranker
from worker.inference.tokens import Tokens
from worker.inference.torch_backend import TorchRunner, read
from worker.scoring.calibration import Calibration
from worker.scoring.traits import Traits

_CHUNK = 2_048


def raw_scores(pairs: Sequence[LabelledPair], *, reranker: Reranker, encoder: Encoder) -> RawScores:
    """Return both orders' logits and the cosine of every pair."""
    texts, indices = _indexed(pairs)
    return RawScores(
        forward=_logits(reranker, texts, indices),
        backward=_logits(reranker, texts, indices[:, ::-1]),
        cosine=cosines(pairs, encoder),
        traits=Traits.of_titles(texts, indices),
    )


def cosines(pairs: Sequence[LabelledPair], encoder: Encoder) -> Floats:
    """Return the cosine of every pair, (n,) float32."""
    texts, indices = _indexed(pairs)
    vectors = encoder.encode(texts)
    cosine = np.einsum("nd,nd->n", vectors[indices[:, 0]], vectors[indices[:, 1]])
    return np.asarray(cosine, np.float32)


def full_precision(folder: Path) -> Reranker:
    """Return the reranker in *folder* run by PyTorch in fp32, as it was trained.

    The form that serves (int8 on a CPU) comes from `worker.inference.load.load_reranker`.
    """
    source = read(ModelKind.RERANKER, folder, attention="eager")
    return TokenReranker(
        str(folder),
        digest=folder_digest(folder),
        calibration=Calibration.load(folder),
        tokens=Tokens(source.tokenizer, source.spec),
        runner=TorchRunner(source, device="cpu"),
    )


def _indexed(pairs: Sequence[LabelledPair]) -> tuple[list[str], NDArray[np.int32]]:
    places: dict[str, int] = {}
    rows = [
        (places.setdefault(p.question1, len(places)), places.setdefault(p.question2, len(places)))
        for p in pairs
    ]
    return list(places), np.array(rows, np.int32).reshape(-1, 2)


def _logits(reranker: Reranker, texts: Sequence[str], indices: NDArray[np.int32]) -> Floats:
    chunks = [
        reranker.score(texts, np.ascontiguousarray(indices[start : start + _CHUNK]))
        for start in range(0, len(indices), _CHUNK)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
