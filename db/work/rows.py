"""Lanes, and what a worker has claimed."""

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
    """A question whose job this worker holds until its lease ends."""

    foreign_share: float
    attempts: int
    embedded_by: Sequence[int] = ()
    """Models that have a vector of its present text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Questions that were claimed together; ``more`` says whether more work may be due."""

    lease: UUID
    questions: Sequence[Claimed]
    more: bool
