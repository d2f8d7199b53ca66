"""Actions as they are listed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActionState(StrEnum):
    """How far an action is."""

    OPEN = "open"
    APPLIED = "applied"
    FAILED = "failed"
    REVERTED = "reverted"
    """No longer wanted, or undone by the forum's own people."""
    VETOED = "vetoed"
    """Somebody objected before it was done."""


class Kind(StrEnum):
    """What the forum is to do about a question."""

    CLOSE = "close"
    """Close it as a duplicate of the canonical question, with a link."""
    REOPEN = "reopen"
    """Take back what was done: open it, without link, label and note."""
    LABEL = "label"
    NOTE = "note"
    """Tell the asker about the canonical question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """An action, with the forum's own ids."""

    id: int
    pair_id: int | None
    kind: Kind
    state: ActionState
    question_id: str
    question_title: str
    question_url: str | None
    canonical_id: str | None
    canonical_title: str | None
    canonical_url: str | None
    reason: str | None
    """Why it failed or was taken back."""
    token: str
    """Names the action in the address at which the asker may object."""
    due_at: datetime
    applied_at: datetime | None
    created_at: datetime
    updated_at: datetime
