"""How the service reaches a forum's own software."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, Instant, Now


class Connector(Base):
    """A forum's software: the hook that it calls, and how the service calls it."""

    __tablename__ = "connectors"
    __table_args__ = (
        CheckConstraint("kind IN ('discourse', 'generic')", name="kind"),
        CheckConstraint("mode IN ('close', 'note')", name="mode"),
        CheckConstraint("backfill IN ('none', 'running', 'done', 'failed')", name="backfill"),
    )

    forum_id: Mapped[int] = mapped_column(
        ForeignKey("forums.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str]
    secret: Mapped[str]
    """Signs what the forum sends."""
    url: Mapped[str | None]
    api_key: Mapped[str | None]
    """Of the forum; it must be readable, since the forum is called with it."""
    api_user: Mapped[str | None]
    mode: Mapped[str] = mapped_column(server_default="close")
    """Whether duplicates are closed, or staff is only told."""
    tag: Mapped[str | None]
    paths: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Of a generic one: where each field is, as JSONPath."""
    categories: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """Of Discourse: those that everybody may read; topics of others are hidden. Empty: all."""
    backfill: Mapped[str] = mapped_column(server_default="none")
    page: Mapped[int] = mapped_column(server_default=text("0"))
    """The next one to be read of its old questions."""
    read: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    error: Mapped[str | None]
    rests_until: Mapped[Instant | None]
    """Until when the forum asked not to be called."""
    served_until: Mapped[Instant | None]
    """Until when a worker has it in hand: a lease, so a dead one's forum is served again."""
    created_at: Mapped[Now]
