"""Outcomes of suggestions to askers; the asker's text is never stored."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Now


class SuggestionOutcome(Base):
    """One thing that an asker did about a suggested question, or about a check as a whole."""

    __tablename__ = "outcomes"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('shown', 'opened', 'answered', 'different', 'posted')", name="outcome"
        ),
        Index(
            "uq_outcomes_check_key",
            "check_key",
            "outcome",
            text("coalesce(candidate_id, 0)"),
            unique=True,
        ),
        Index("ix_outcomes_forum_id_created_at", "forum_id", "created_at"),
        Index("ix_outcomes_candidate_id", "candidate_id"),
        Index(
            "ix_outcomes_asked_as",
            "forum_id",
            "asked_as",
            postgresql_where=text("asked_as IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    check_key: Mapped[bytes] = mapped_column(LargeBinary)
    """A random id of the check; the service keeps nothing else of it."""
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    asked_as: Mapped[str | None]
    """The forum's own id of the question that the asker posted in the end."""
    outcome: Mapped[str]
    band: Mapped[int | None] = mapped_column(SmallInteger)
    """The score's twentieth: 19 is 0.95 to 1."""
    created_at: Mapped[Now]
