"""Archives of old questions and their units of work."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now


class Archive(Base):
    """An imported archive and the progress of its mining."""

    __tablename__ = "archives"
    __table_args__ = (Index("ix_archives_forum_id_id", "forum_id", "id"),)

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    name: Mapped[str]
    form: Mapped[str]
    stage: Mapped[str] = mapped_column(server_default="load")
    state: Mapped[str] = mapped_column(server_default="running")
    error: Mapped[str | None]
    """Why its file was not read to the end, if reading failed."""
    attended_at: Mapped[Instant | None]
    """When the file's reader last showed that it is alive."""
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Records of the file that are done: a resumed load continues after them."""
    created: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    changed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rejected: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rejects: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """The first rejected rows, with line and reason; never their text."""
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Further counts by name: `hidden`, `erased`, `older` and the like."""
    file_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of its file and of how it was read, once all of it was stored."""
    fingerprint: Mapped[str | None]
    """Fingerprint of its file, if a command reads it: a load only resumes with the same file."""
    top_k: Mapped[int]
    bi_encoder_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    reranker_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    threshold: Mapped[float | None] = mapped_column(REAL)
    created_at: Mapped[Now]
    loaded_at: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]


class ArchiveSighting(Base):
    """Questions that an archive has, those of one batch in a row."""

    __tablename__ = "archive_sightings"

    archive_id: Mapped[int] = mapped_column(
        ForeignKey("archives.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Where the batch ends; -1 for those that are gone."""
    question_ids: Mapped[bytes] = mapped_column(LargeBinary)
    """Packed differences of sorted ids."""


class ArchivePart(Base):
    """What a part of an archive's file contained."""

    __tablename__ = "archive_parts"

    archive_id: Mapped[int] = mapped_column(
        ForeignKey("archives.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Digest of its rows in the file, and of how they are read."""
    stored_digest: Mapped[bytes] = mapped_column(LargeBinary)
    odd: Mapped[bytes] = mapped_column(LargeBinary)
    """Places of rows that are read alone, 4 bytes each."""
    question_ids: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Its questions, as packed differences of sorted ids; null if they are not known for sure."""


class ArchiveUnit(Base):
    """A unit of work on an archive, about half a second for one worker."""

    __tablename__ = "archive_units"
    __table_args__ = (
        Index(
            "ix_archive_units_waiting",
            "archive_id",
            "stage",
            "id",
            postgresql_where=text("done_at IS NULL"),
        ),
        Index("ix_archive_units_archive_id_stage", "archive_id", "stage", "place"),
    )

    id: Mapped[BigId]
    archive_id: Mapped[int] = mapped_column(ForeignKey("archives.id", ondelete="CASCADE"))
    stage: Mapped[str]
    place: Mapped[int] = mapped_column(server_default=text("0"))
    """Number of its block of questions."""
    other: Mapped[int] = mapped_column(server_default=text("0"))
    """Number of the block that it is compared with."""
    low_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    high_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    other_low_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    other_high_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    size: Mapped[int] = mapped_column(BigInteger)
    """How much it adds to the progress of its stage."""
    payload: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    lease: Mapped[UUID | None]
    due_at: Mapped[Now]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    error: Mapped[str | None]
    found: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    histogram: Mapped[list[int] | None] = mapped_column(JSONB)
    took_s: Mapped[float | None] = mapped_column(REAL)
    done_at: Mapped[Instant | None]


class Sync(Base):
    """An import that is repeated at an interval."""

    __tablename__ = "syncs"
    __table_args__ = (UniqueConstraint("forum_id", "source"),)

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    source: Mapped[str]
    """An address, a folder or a file; never with a password."""
    options: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    every_s: Mapped[int]
    cursor: Mapped[dict[str, object]] = mapped_column(JSONB, server_default=text("'{}'"))
    """Where the last run left off."""
    error: Mapped[str | None]
    """Why the last run failed."""
    archive_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last archive that it made."""
    due_at: Mapped[Now]
    """When it is run next; claiming it moves this into the future."""
    run_at: Mapped[Instant | None]
    created_at: Mapped[Now]
