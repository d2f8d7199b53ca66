"""Frozen records and enums: what leaves `db` instead of live objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


class Lane(StrEnum):
    """Kinds of work, the most urgent first; each is a Celery queue."""

    CHECK = "check"
    LIVE = "live"
    ARCHIVE = "archive"
    UPKEEP = "upkeep"


class ModelKind(StrEnum):
    """What a model does."""

    BI_ENCODER = "bi-encoder"
    RERANKER = "reranker"


class PairKind(StrEnum):
    """How a pair was found."""

    SAME_TEXT = "same_text"
    MODEL = "model"
    KNOWN = "known"
    """The forum's own link, read from its archive."""
    JOINED = "joined"
    """Made by a person who joined two groups."""


class PairStatus(StrEnum):
    """Where a pair stands; the first three are the service's word, the others a person's."""

    FLAGGED = "flagged"
    OBSERVED = "observed"
    """Flagged while the forum only observes: recorded, shown to nobody as a finding."""
    WITHDRAWN = "withdrawn"
    """Flagged once; the text, a model or a threshold has changed since."""
    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    RELATED = "related"


UNDECIDED = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.WITHDRAWN)


class State(StrEnum):
    """Where a question stands."""

    PENDING = "pending"
    """Not checked yet: it waits for a worker, or for the archive it came with to be mined."""
    DONE = "done"
    FAILED = "failed"
    """Set aside, or left unmined by an archive that has ended."""


class Outcome(StrEnum):
    """What saving a question changed."""

    CREATED = "created"
    CHANGED = "changed"
    """What the models see has changed: it is checked again."""
    UPDATED = "updated"
    """Only its url, category, author, date or the like has changed."""
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A line in logit space with what it was learnt from and what it brought."""

    reranker_id: int
    bi_encoder_id: int
    slope: float
    shift: float
    duplicates: int
    others: int
    lowest: float
    error_before: float
    error_after: float
    brier_before: float
    brier_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow(Learnt):
    """A version of a forum's own calibration, for one pair of models."""

    id: int
    actor: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    def is_for(self, *, reranker_id: int | None, bi_encoder_id: int | None) -> bool:
        """Return whether it was learnt from scores of these models."""
        return (self.reranker_id, self.bi_encoder_id) == (reranker_id, bi_encoder_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumRow:
    """A forum and what its people chose."""

    id: int
    name: str
    title: str
    text_fields: str
    threshold: float | None
    observe_only: bool
    pending_limit: int
    canonical_rule: str
    calibration: CalibrationRow | None
    """The one that stands; it counts only for the models that it was learnt from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuestion:
    """A question as its forum sends it, cleaned and within its limits."""

    external_id: str
    title: str
    body: str = ""
    url: str | None = None
    category: str | None = None
    author: str | None = None
    asked_at: datetime | None = None
    visible: bool = True
    text_fields: str
    text_digest: bytes
    content_digest: bytes
    foreign_share: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What became of one saved question."""

    id: int
    external_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """A stored question and where it stands."""

    id: int
    forum_id: int
    external_id: str
    title: str
    body: str
    url: str | None
    category: str | None
    author: str | None
    asked_at: datetime | None
    visible: bool
    text_fields: str
    text_version: int
    foreign_share: float
    threshold: float | None
    bi_encoder: str | None
    reranker: str | None
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    state: State
    error: str | None
    attempts: int


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
    """The reranker's logit with the question asked about first."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionText:
    """What is needed of a question to embed it."""

    id: int
    forum_id: int
    title: str
    body: str
    text_fields: str
    text_digest: bytes
    text_version: int
    visible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(QuestionText):
    """A question whose work this worker holds for the time of its lease."""

    foreign_share: float
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Questions claimed together; ``more`` when work may be left over."""

    lease: UUID
    questions: Sequence[Claimed]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stored question near the one asked about."""

    id: int
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateText:
    """What the models see of a candidate, and what is shown of it."""

    id: int
    external_id: str
    title: str
    body: str
    url: str | None
    text_fields: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmbedding:
    """A vector on its way into the database."""

    question_id: int
    forum_id: int
    visible: bool
    text_digest: bytes
    vector: NDArray[np.float32]  # (dimension,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A scored pair of a question just checked with one of its candidates."""

    question_id: int
    candidate_id: int
    kind: PairKind
    score: float
    raw_score: float | None = None
    """The model's own probability, where the forum's calibration has moved it."""
    cosine: float | None = None
    logit_forward: float | None = None
    logit_backward: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Which models and threshold a finding rests on."""

    bi_encoder_id: int
    reranker_id: int
    threshold: float
    observe_only: bool
    calibration_id: int | None = None
    """The forum's calibration that had its part in the scores."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key: never the secret itself."""

    id: int
    name: str
    prefix: str
    scopes: frozenset[str]
    forums: Mapping[str, int]
    """Names of the forums it is bound to, with their ids."""
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
