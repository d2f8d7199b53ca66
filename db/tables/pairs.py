"""Pairs of questions, and events."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, REAL, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now, Trace


class Pair(Base):
    """Two questions that were flagged or decided on; ``low_id`` is always the smaller id."""

    __tablename__ = "pairs"
    __table_args__ = (
        CheckConstraint("low_id < high_id", name="ordered"),
        UniqueConstraint("low_id", "high_id"),
        Index("ix_pairs_high_id", "high_id"),
        Index("ix_pairs_queue", "forum_id", "status", "score", "id"),
        Index("ix_pairs_forum_id_id", "forum_id", "id"),
        Index("ix_pairs_useful", "forum_id", "status", "useful", "id"),
        Index("ix_pairs_category", "forum_id", "status", "category", "score", "id"),
        Index("ix_pairs_entry", "entry", postgresql_where=text("status = 'flagged'")),
        Index(
            "ix_pairs_last_changed",
            "forum_id",
            text("coalesce(changed_at, decided_at, flagged_at)"),
            "id",
        ),
        Index("ix_pairs_words", "words", postgresql_using="gin"),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    low_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    kind: Mapped[str]
    cosine: Mapped[float | None] = mapped_column(REAL)
    logit_low_high: Mapped[float | None] = mapped_column(REAL)
    logit_high_low: Mapped[float | None] = mapped_column(REAL)
    score: Mapped[float] = mapped_column(REAL)
    raw_score: Mapped[float | None] = mapped_column(REAL)
    """The model's own probability, if the forum's calibration has changed it."""
    calibration_id: Mapped[int | None] = mapped_column(BigInteger)
    """The forum's calibration that changed it."""
    threshold: Mapped[float] = mapped_column(REAL)
    bi_encoder_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    reranker_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    low_text_version: Mapped[int]
    high_text_version: Mapped[int]
    status: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    """Grows with every change, so that nobody decides on a state that they have not seen."""
    flagged_at: Mapped[Now]
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[str | None]
    canonical_id: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]
    # Triggers write these columns: see migrations 0004 and 0020.
    changed_at: Mapped[Instant | None]
    """None for a pair that has not changed since this column was added."""
    category: Mapped[str | None]
    """The category of both questions, where it is the same."""
    words: Mapped[str | None] = mapped_column(TSVECTOR)
    """The words of both titles; never read, only searched."""
    entry: Mapped[int | None] = mapped_column(BigInteger)
    """Flagged pairs with the same number are offered as one entry of the queue."""
    useful: Mapped[float] = mapped_column(REAL, server_default=text("0"))
    """How useful a decision is: probability x (1 + uncertainty) x log2(1 + reach)."""


class Event(Base):
    """Something that happened; never holds a question's text."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_forum_id_id", "forum_id", "id"),
        Index("ix_events_question_id", "question_id"),
        Index("ix_events_pair_id", "pair_id"),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    kind: Mapped[str]
    question_id: Mapped[int | None] = mapped_column(BigInteger)
    pair_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str]
    data: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    created_at: Mapped[Now]
    trace: Mapped[Trace]
