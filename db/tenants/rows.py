"""Forums with their settings and calibrations, and API keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from db.rows import Rung, SearchScope

PUBLIC_SCOPE = "ask"
"""The scope of keys in web pages: they ask for suggestions and report the outcomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A line in logit space, the decisions it was fitted to, and the errors before and after."""

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
        """Return whether it was fitted to the scores of these models."""
        return (self.reranker_id, self.bi_encoder_id) == (reranker_id, bi_encoder_id)


class AuthorNames(StrEnum):
    """What is kept of an author's name."""

    KEPT = "kept"
    HASHED = "hashed"
    """The same author has the same mark within the forum; the name is not stored."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumRow:
    """A forum and its settings."""

    id: int
    name: str
    title: str
    text_fields: str
    prefixes: Sequence[str] = ()
    boilerplate: Sequence[str] = ()
    threshold: float | None
    observe_only: bool
    pending_limit: int
    canonical_by: str
    """The rule that proposes the canonical question of a group."""
    calibration: CalibrationRow | None
    """The calibration in force; it counts only for the models whose scores it was fitted to."""
    rung: Rung
    """How far the service may go in the forum."""
    grace_h: float
    wanted_precision: float
    act_threshold: float | None
    """The score from which the decisions prove the wanted precision."""
    scope: SearchScope
    author_names: AuthorNames
    author_salt: UUID
    keep_questions_days: int | None
    keep_authors_days: int | None
    keep_events_days: int | None
    keep_decisions_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """An API key, without its secret."""

    id: int
    name: str
    prefix: str
    scopes: frozenset[str]
    forums: Mapping[str, int]
    """Names of the forums it is bound to, with their ids."""
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    origins: frozenset[str] = frozenset()
    """Of a public key: the pages that may use it."""

    @property
    def is_public(self) -> bool:
        """Return whether everybody may read this key in a web page."""
        return PUBLIC_SCOPE in self.scopes
