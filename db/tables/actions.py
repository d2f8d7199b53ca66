"""Actions for a forum, vetoes, and notes of questions whose actions are not computed yet."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now


class Action(Base):
    """Something that the forum is to do about one of its questions."""

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint("kind IN ('close', 'reopen', 'label', 'note')", name="kind"),
        CheckConstraint(
            "state IN ('open', 'applied', 'failed', 'reverted', 'vetoed')", name="state"
        ),
        Index("ix_actions_forum_id_state_id", "forum_id", "state", "id"),
        Index("ix_actions_question_id_id", "question_id", "id"),
        Index("ix_actions_canonical_id", "canonical_id"),
        Index(
            "uq_actions_open", "question_id", unique=True, postgresql_where=text("state = 'open'")
        ),
        Index(
            "ix_actions_untold",
            "due_at",
            postgresql_where=text("state = 'open' AND told_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    canonical_id: Mapped[int | None] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    pair_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    reason: Mapped[str | None]
    """Why the forum could not do it, or why it is no longer to be done."""
    token: Mapped[str] = mapped_column(unique=True)
    """Part of the address at which the asker may object; nobody can guess it."""
    tries: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    """How often the service's own connector has tried to carry it out."""
    due_at: Mapped[Now]
    told_at: Mapped[Instant | None]
    """When the event was recorded that says that it is due."""
    applied_at: Mapped[Instant | None]
    created_at: Mapped[Now]
    updated_at: Mapped[Now]


class Veto(Base):
    """A question about which the service does nothing by itself any more."""

    __tablename__ = "vetoes"
    __table_args__ = (
        CheckConstraint("source IN ('objection', 'edit', 'reopening')", name="source"),
    )

    question_id: Mapped[int] = mapped_column(
        ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    source: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[Now]


class Unsettled(Base):
    """A question about which something changed; triggers write it: see migration 0015."""

    __tablename__ = "unsettled"

    question_id: Mapped[int] = mapped_column(
        ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"), index=True)
