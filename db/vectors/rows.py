"""Models, vectors on their way in, and what a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class ModelKind(StrEnum):
    """What a model does."""

    BI_ENCODER = "bi-encoder"
    RERANKER = "reranker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stored question near the one asked about."""

    id: int
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmbedding:
    """A vector on its way into the database."""

    question_id: int
    forum_id: int
    visible: bool
    text_digest: bytes
    vector: NDArray[np.float32]  # (dimension,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """A model the service knows."""

    id: int
    kind: ModelKind
    name: str
    digest: str
    dimension: int | None
    calibration: Mapping[str, object] | None
    active: bool
    created_at: datetime
