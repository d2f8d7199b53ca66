"""Scored pairs to be saved, and pairs as they are shown."""

from dataclasses import dataclass
from datetime import datetime

from db.rows import PairKind, PairStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The other question of a pair, as seen from one of the two."""

    pair_id: int
    id: str
    title: str
    url: str | None
    score: float
    cosine: float | None
    kind: PairKind
    status: PairStatus
    threshold: float
    logit_forward: float | None
    """The reranker's logit with the question itself as the first text."""
    logit_backward: float | None
    bi_encoder: str | None
    reranker: str | None
    flagged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """A pair with the forum's own ids of both questions."""

    id: int
    low_id: int
    high_id: int
    low_external_id: str
    high_external_id: str
    low_title: str
    high_title: str
    kind: PairKind
    status: PairStatus
    score: float
    cosine: float | None
    threshold: float
    version: int
    flagged_at: datetime
    decided_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A scored pair of a question just checked with one of its candidates."""

    question_id: int
    candidate_id: int
    kind: PairKind
    score: float
    raw_score: float | None = None
    """The model's own probability, if the forum's calibration has changed it."""
    cosine: float | None = None
    logit_forward: float | None = None
    logit_backward: float | None = None
