"""Scores pairs with the models, by the code of the service."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from db.vectors.rows import ModelKind
from training.data.pairs import LabelledPair
from training.measure.figures.calibrate import RawScores
from training.measure.figures.metrics import Floats
from worker.inference.encoder import Encoder
from worker.inference.reranker import Reranker, TokenReranker
from worker.inference.tokens import Tokens
from worker.inference.torch_backend import TorchRunner, read
from worker.scoring.calibration import Calibration
from worker.scoring.traits import Traits
from worker.text.normal import Seen, TextFields, seen
from worker.weights.digests import folder_digest

_CHUNK = 2_048
_T = TypeVar("_T", str, Seen)


def raw_scores(pairs: Sequence[LabelledPair], *, reranker: Reranker, encoder: Encoder) -> RawScores:
    """Return the logits of both orders, the cosine and the traits of every pair.

    The CrossEncoder reads the titles, the bi-encoder title and body, as in a forum.
    """
    titles, by_title = _indexed([(pair.question1, pair.question2) for pair in pairs])
    questions, by_question = _indexed([_seen(pair) for pair in pairs])
    return RawScores(
        forward=_logits(reranker, titles, by_title),
        backward=_logits(reranker, titles, by_title[:, ::-1]),
        cosine=_cosines([one.whole for one in questions], by_question, encoder),
        traits=Traits.of(questions, by_question),
    )


def cosines(pairs: Sequence[LabelledPair], encoder: Encoder) -> Floats:
    """Return the cosine of every pair, (n,) float32."""
    questions, places = _indexed([_seen(pair) for pair in pairs])
    return _cosines([one.whole for one in questions], places, encoder)


def _cosines(texts: Sequence[str], places: NDArray[np.int32], encoder: Encoder) -> Floats:
    vectors = encoder.encode(texts)
    cosine = np.einsum("nd,nd->n", vectors[places[:, 0]], vectors[places[:, 1]])
    return np.asarray(cosine, np.float32)


def _seen(pair: LabelledPair) -> tuple[Seen, Seen]:
    return (
        seen(pair.question1, pair.body1, fields=TextFields.TITLE_BODY),
        seen(pair.question2, pair.body2, fields=TextFields.TITLE_BODY),
    )


def full_precision(folder: Path) -> Reranker:
    """Return the reranker in *folder*, run by PyTorch in fp32 on the CPU.

    `worker.weights.load.load_reranker` returns it as it serves: in int8 on a CPU.
    """
    source = read(ModelKind.RERANKER, folder, attention="eager")
    return TokenReranker(
        str(folder),
        digest=folder_digest(folder),
        calibration=Calibration.load(folder),
        tokens=Tokens(source.tokenizer, source.spec),
        runner=TorchRunner(source, device="cpu"),
    )


def _indexed(pairs: Sequence[tuple[_T, _T]]) -> tuple[list[_T], NDArray[np.int32]]:
    """Return the distinct questions, and the places of both questions of every pair, (n, 2)."""
    places: dict[_T, int] = {}
    rows = [tuple(places.setdefault(one, len(places)) for one in pair) for pair in pairs]
    return list(places), np.array(rows, np.int32).reshape(-1, 2)


def _logits(reranker: Reranker, texts: Sequence[str], indices: NDArray[np.int32]) -> Floats:
    chunks = [
        reranker.score(texts, np.ascontiguousarray(indices[start : start + _CHUNK]))
        for start in range(0, len(indices), _CHUNK)
    ]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
