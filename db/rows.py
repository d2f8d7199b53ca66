"""Records and enums that several rooms of `db` share."""

from dataclasses import dataclass
from enum import StrEnum


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
class Provenance:
    """Which models and threshold a finding rests on."""

    bi_encoder_id: int
    reranker_id: int
    threshold: float
    observe_only: bool
    calibration_id: int | None = None
    """The forum's calibration that had its part in the scores."""
