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
    """Made by a person: of two questions they named, or of two groups they joined."""


class PairStatus(StrEnum):
    """A pair's status; the first three come from the service, the others from a person."""

    FLAGGED = "flagged"
    OBSERVED = "observed"
    """Flagged while the forum only observes: recorded, shown to nobody as a finding."""
    WITHDRAWN = "withdrawn"
    """Flagged once; the text, a model or a threshold has changed since."""
    DUPLICATE = "duplicate"
    NOT_DUPLICATE = "not_duplicate"
    RELATED = "related"


SERVICE = "service"
"""Who acts where no person does; no person can have this name."""
ARCHIVE = "archive"
"""Who decides where the forum's own links say what is the same; no person can have this name."""
NOBODY = frozenset({SERVICE, ARCHIVE})


class Rung(StrEnum):
    """How far the service may go in a forum, from nothing to closing questions by itself."""

    LOG = "log"
    """Pairs are recorded and shown to nobody."""
    LABEL = "label"
    """The forum labels the later question."""
    SUGGEST = "suggest"
    """The forum tells the asker of the earlier question."""
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
    """Of the same author, for forums that look for those who ask again."""


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
    """What is read in place of the title, without what does not count in its forum."""
    read_body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The models and the threshold with which a pair was scored."""

    bi_encoder_id: int
    reranker_id: int
    threshold: float
    observe_only: bool
    calibration_id: int | None = None
    """The forum's calibration that had its part in the scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredQuestion:
    """What people are shown of a stored question."""

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
