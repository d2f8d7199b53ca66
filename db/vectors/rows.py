"""Models, vectors to be stored, and results of a search."""

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
    """A stored question that is near the one that is checked."""

    id: int
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmbedding:
    """A vector to be stored."""

    question_id: int
    forum_id: int
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

    def number(self, name: str, *, bi_encoder: str | None) -> float | None:
        """Return a number of a reranker's calibration, for use with the bi-encoder of this digest.

        A number fitted with that bi-encoder comes first, then the one for any bi-encoder; None if
        there is neither.
        """
        held = self.calibration or {}
        rules = held.get("rules")
        rule = rules.get(bi_encoder) if isinstance(rules, Mapping) else None
        found = (rule if isinstance(rule, Mapping) else held).get(name)
        return float(found) if isinstance(found, int | float) else None
