"""How the service reaches a forum's own software."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, Instant, Now


class Connector(Base):
    """A forum's software: where it sends messages, and how the service calls it."""

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
    """The forum's key; stored as it is, because each call of the forum needs it."""
    api_user: Mapped[str | None]
    mode: Mapped[str] = mapped_column(server_default="close")
    """Whether duplicates are closed, or the staff only gets a note."""
    tag: Mapped[str | None]
    paths: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'"))
    """For a generic connector: where each field is, as JSONPath."""
    categories: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """For Discourse: the categories that everybody may read; others are hidden. Empty: all."""
    backfill: Mapped[str] = mapped_column(server_default="none")
    page: Mapped[int] = mapped_column(server_default=text("0"))
    """The next one to be read of its old questions."""
    read: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    error: Mapped[str | None]
    rests_until: Mapped[Instant | None]
    """Until when the forum asked not to be called."""
    served_until: Mapped[Instant | None]
    """A worker's lease on it: if the worker dies, another one serves the forum afterwards."""
    created_at: Mapped[Now]
