"""Questions to be saved, as they are stored, and as the models read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.pairs.rows import Duplicate


class State(StrEnum):
    """The state of a question."""

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
    """The result of saving one question."""

    id: int
    external_id: str
    outcome: Outcome
    owes_work: bool
    """Whether it is checked now: it is new, its text has changed, or it is shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow:
    """A stored question and its state."""

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
class CandidateText:
    """What the models read of a candidate, and what is shown of it."""

    id: int
    external_id: str
    title: str
    body: str
    url: str | None
    text_fields: str
    text_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question with its known duplicates, the highest score first."""

    question: QuestionRow
    duplicates: Sequence[Duplicate]
