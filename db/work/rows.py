"""The kinds of work, and what a worker has claimed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from db.rows import QuestionText


class Lane(StrEnum):
    """Kinds of work, the most urgent first; each is a Celery queue."""

    CHECK = "check"
    LIVE = "live"
    ARCHIVE = "archive"
    UPKEEP = "upkeep"


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
