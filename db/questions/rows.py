"""Questions to be saved, as they are stored, and as the models read them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from db.pairs.rows import Duplicate
from db.rows import StoredQuestion


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
    OLDER = "older"
    """Nothing changed: a newer version is stored, or the question was erased after this version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a forum knows about a question besides its text; None if the forum did not say."""

    answers: int | None = None
    accepted: bool | None = None
    """Whether one of its answers is accepted."""
    accepted_answer: str | None = None
    """The forum's own id of that answer."""
    views: int | None = None
    votes: int | None = None
    """May be negative."""
    tags: Sequence[str] = ()
    closed: bool | None = None
    language: str | None = None

    def stored(self) -> dict[str, Any] | None:
        """Return what is known, ready for JSON; None when nothing is."""
        if self is NO_FACTS:
            return None
        known = {name: value for name, value in asdict(self).items() if value not in (None, (), [])}
        return known or None

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Self:
        """Return what `stored` made; keys of a later version are left out."""
        known = {name: value for name, value in (stored or {}).items() if name in _FACTS}
        return cls(**known | {"tags": tuple(known.get("tags", ()))})


_FACTS = frozenset(Facts.__dataclass_fields__)
NO_FACTS = Facts()
"""Shared by all questions without facts: most questions of an import have none."""


@dataclass(frozen=True, slots=True)
class SentQuestion:
    """What a forum sends of a question."""

    external_id: str
    title: str
    body: str = ""
    url: str | None = None
    category: str | None = None
    author: str | None = None
    asked_at: datetime | None = None
    visible: bool = True
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuestion(SentQuestion):
    """A question as it is stored: cleaned and within its limits."""

    edited_at: datetime | None = None
    """When its forum last changed it: an older one never overwrites a newer one."""
    revision: int | None = None
    """The forum's own count of its changes; it is used before `edited_at`."""
    text_fields: str
    read_title: str | None = None
    """The title without the parts that do not count in the forum; models read it instead."""
    read_body: str | None = None
    text_digest: bytes
    content_digest: bytes
    foreign_share: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow(StoredQuestion):
    """A stored question and its state."""

    forum_id: int
    edited_at: datetime | None
    revision: int | None
    text_fields: str
    text_version: int
    threshold: float | None
    bi_encoder: str | None
    reranker: str | None
    checked_at: datetime | None
    updated_at: datetime
    state: State
    error: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question with its known duplicates, the highest score first."""

    question: QuestionRow
    duplicates: Sequence[Duplicate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The result of saving one question."""

    id: int
    external_id: str
    outcome: Outcome
    owes_work: bool
    """Whether it is checked now: it is new, its text has changed, or it is shown again."""
