"""API keys: only their hashes are kept."""

from sqlalchemy import ForeignKey, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now


class ApiKey(Base):
    """A key's hash, its scopes, and the beginning by which people recognise it."""

    __tablename__ = "api_keys"

    id: Mapped[BigId]
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    origins: Mapped[list[str]] = mapped_column(ARRAY(String), server_default=text("'{}'"))
    """Of a public key: the pages that may use it, such as ``https://forum.example``."""
    created_at: Mapped[Now]
    expires_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
    last_used_at: Mapped[Instant | None]


class ApiKeyForum(Base):
    """A forum for which a key is valid."""

    __tablename__ = "api_key_forums"

    key_id: Mapped[int] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(
        ForeignKey("forums.id", ondelete="CASCADE"), primary_key=True
    )
