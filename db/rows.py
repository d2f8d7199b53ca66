"""Records and enums that several rooms of `db` share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class PairKind(StrEnum):
    """How a pair was found."""

    SAME_TEXT = "same_text"
    MODEL = "model"
    KNOWN = "known"
    """The forum's own link, read from its archive."""
    JOINED = "joined"
    """Made by a person, from two questions that they named or two groups that they joined."""


class PairStatus(StrEnum):
    """A pair's status; the first three come from the service, the others from a person."""

    FLAGGED = "flagged"
    OBSERVED = "observed"
    """Flagged while the forum only observes: recorded, but shown to nobody."""
    WITHDRAWN = "withdrawn"
    """Flagged once; the text, a model or a threshold has changed since."""
    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    RELATED = "related"


SERVICE = "service"
"""The actor where the service acts by itself; no person can have this name."""
ARCHIVE = "archive"
"""The actor of decisions from a forum's own links; no person can have this name."""
NOBODY = frozenset({SERVICE, ARCHIVE})


class Rung(StrEnum):
    """How far the service may go in a forum, from nothing to closing questions by itself."""

    LOG = "log"
    """Pairs are recorded and shown to nobody."""
    LABEL = "label"
    """The forum labels the later question."""
    SUGGEST = "suggest"
    """The forum tells the asker about the earlier question."""
    QUEUE = "queue"
    """People decide; what they confirm is closed."""
    ACT = "act"
    """The service also closes by itself, where decisions prove that it is right."""


class Within(StrEnum):
    """Which questions of a forum are searched for earlier ones."""

    FORUM = "forum"
    CATEGORY = "category"
    """Of the same category; a question without one has the whole forum."""
    AUTHOR = "author"
    """Those of the same author, for forums where people ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScope:
    """Which questions of a forum are looked at as earlier ones."""

    days: int | None = None
    """Those asked within so many days."""
    within: Within = Within.FORUM

    @property
    def is_whole(self) -> bool:
        """Return whether all questions of the forum are looked at."""
        return self.days is None and self.within is Within.FORUM


WHOLE_FORUM = SearchScope()


UNDECIDED = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionText:
    """The parts of a question that are needed to embed it."""

    id: int
    forum_id: int
    title: str
    body: str
    text_fields: str
    text_digest: bytes
    text_version: int
    visible: bool
    read_title: str | None = None
    """The title without the parts that do not count in the forum; models read it instead."""
    read_body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateText:
    """What the models read of a candidate, and what is shown of it."""

    id: int
    external_id: str
    title: str
    body: str
    url: str | None
    text_fields: str
    text_version: int
    read_title: str | None = None
    read_body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The models and the threshold with which a pair was scored."""

    bi_encoder_id: int
    reranker_id: int
    threshold: float
    observe_only: bool
    calibration_id: int | None = None
    """The forum's calibration that was used for the scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuestion:
    """The parts of a stored question that people see."""

    id: int
    external_id: str
    title: str
    body: str
    url: str | None
    category: str | None
    author: str | None
    asked_at: datetime | None
    created_at: datetime
    visible: bool
    facts: Mapping[str, Any] | None
    foreign_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEnds:
    """A pair by the ids of its questions, with its score."""

    pair_id: int
    low_id: int
    high_id: int
    score: float
