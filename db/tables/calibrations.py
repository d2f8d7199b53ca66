"""Forums' own calibrations."""

from sqlalchemy import Double, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now


class ForumCalibration(Base):
    """One version of a forum's calibration; only its end is ever written later."""

    __tablename__ = "forum_calibrations"
    __table_args__ = (
        Index("ix_forum_calibrations_forum_id_id", "forum_id", "id"),
        Index(
            "uq_forum_calibrations_standing",
            "forum_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    reranker_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    bi_encoder_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    slope: Mapped[float] = mapped_column(Double)
    shift: Mapped[float] = mapped_column(Double)
    duplicates: Mapped[int]
    others: Mapped[int]
    """How many decisions of each kind it was fitted to."""
    lowest: Mapped[float] = mapped_column(REAL)
    """The lowest of the model's own probabilities among them."""
    error_before: Mapped[float] = mapped_column(REAL)
    error_after: Mapped[float] = mapped_column(REAL)
    brier_before: Mapped[float] = mapped_column(REAL)
    brier_after: Mapped[float] = mapped_column(REAL)
    actor: Mapped[str]
    created_at: Mapped[Now]
    ended_at: Mapped[Instant | None]
    ended_by: Mapped[str | None]
