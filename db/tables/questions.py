"""Forums, questions, jobs and vectors."""

from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now, Trace


class Forum(Base):
    """A forum and its settings."""

    __tablename__ = "forums"
    __table_args__ = (
        CheckConstraint("search_within IN ('forum', 'category', 'author')", name="search_within"),
    )

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    text_fields: Mapped[str] = mapped_column(server_default="title")
    threshold: Mapped[float | None] = mapped_column(REAL)
    """Probability to flag at; null: the active reranker's own."""
    observe_only: Mapped[bool] = mapped_column(server_default=text("false"))
    pending_limit: Mapped[int] = mapped_column(server_default=text("20000"))
    canonical_rule: Mapped[str] = mapped_column(server_default="oldest")  # nothing reads it
    canonical_by: Mapped[str] = mapped_column(server_default="answers")
    """The rule that proposes the canonical question of a group: see `db.groups.canonical`."""
    keep_questions_days: Mapped[int | None]
    """Days after its last change for which a question stays; null: for ever."""
    keep_authors_days: Mapped[int | None]
    keep_events_days: Mapped[int | None]
    keep_decisions_days: Mapped[int | None]
    author_names: Mapped[str] = mapped_column(server_default="kept")
    author_salt: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    """Makes the hash of an author's name different in each forum."""
    second_opinions: Mapped[float] = mapped_column(REAL, server_default=text("0.03"))
    """Share of the decisions for which a second opinion is asked."""
    rung: Mapped[str] = mapped_column(server_default="queue")
    """How far the service may go in the forum: see `db.rows.Rung`."""
    grace_h: Mapped[float] = mapped_column(REAL, server_default=text("48"))
    """Hours from the service's own decision until the forum carries it out."""
    wanted_precision: Mapped[float] = mapped_column(REAL, server_default=text("0.98"))
    act_threshold: Mapped[float | None] = mapped_column(REAL)
    """The score from which the decisions prove it; null: none, and the service decides nothing."""
    rising_count: Mapped[int] = mapped_column(server_default=text("5"))
    rising_window_h: Mapped[float] = mapped_column(REAL, server_default=text("1"))
    """A question rises when so many have asked it within so many hours."""
    search_days: Mapped[int | None]
    """Only questions asked within so many days are looked at as earlier ones; null: all."""
    search_within: Mapped[str] = mapped_column(server_default="forum")
    prefixes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Texts that do not count at the beginning of a title."""
    boilerplate: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """Texts that do not count anywhere in a question."""
    created_at: Mapped[Now]


class Model(Base):
    """A model the service knows, by the digest of its files."""

    __tablename__ = "models"
    __table_args__ = (
        UniqueConstraint("kind", "digest"),
        Index("uq_models_active", "kind", unique=True, postgresql_where=text("active")),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str]
    dimension: Mapped[int | None]
    calibration: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    active: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Now]


class Question(Base):
    """A question as its forum sent it, and the result of its last check."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("forum_id", "external_id"),
        Index("ix_questions_forum_id_text_digest", "forum_id", "text_digest"),
        Index(
            "ix_questions_forum_id_url",
            "forum_id",
            text("md5(url)"),
            postgresql_where=text("url IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(BigInteger)
    """Triggers do what a foreign key does, for each statement in place of each row."""
    external_id: Mapped[str]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    url: Mapped[str | None]
    category: Mapped[str | None]
    author: Mapped[str | None]
    asked_at: Mapped[Instant | None]
    visible: Mapped[bool] = mapped_column(server_default=text("true"))
    facts: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    """Answers, votes, views, tags and the like, as far as its forum sent them."""
    edited_at: Mapped[Instant | None]
    """When its forum last changed it, by the forum's clock."""
    revision: Mapped[int | None] = mapped_column(BigInteger)
    archive_id: Mapped[int | None] = mapped_column(BigInteger)
    text_fields: Mapped[str]
    """The fields that the models read."""
    read_title: Mapped[str | None]
    """The title without the parts that do not count; null if the whole title counts."""
    read_body: Mapped[str | None]
    text_digest: Mapped[bytes] = mapped_column(LargeBinary)
    text_version: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts the changes of the text that the models read; a decision belongs to a version."""
    content_digest: Mapped[bytes] = mapped_column(LargeBinary)
    foreign_share: Mapped[float] = mapped_column(REAL, server_default=text("0"))
    threshold: Mapped[float | None] = mapped_column(REAL)
    bi_encoder_id: Mapped[int | None]
    reranker_id: Mapped[int | None]
    checked_at: Mapped[Instant | None]
    created_at: Mapped[Now]
    updated_at: Mapped[Now]


class ErasedQuestion(Base):
    """A digest of an erased question's id, so that an archive does not bring it back."""

    __tablename__ = "erased_questions"

    forum_id: Mapped[int] = mapped_column(
        ForeignKey("forums.id", ondelete="CASCADE"), primary_key=True
    )
    id_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of the forum's own id."""
    edited_at: Mapped[Instant | None]
    revision: Mapped[int | None] = mapped_column(BigInteger)
    erased_at: Mapped[Now]


class Job(Base):
    """Work that is due for a question; the row exists until it is done.

    ``due_at`` is also the lease: claiming moves it into the future, so a dead worker's rows become
    due again by themselves.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_due",
            "lane",
            "forum_id",
            "due_at",
            "question_id",
            postgresql_where=text("failed_at IS NULL"),
        ),
        Index("ix_jobs_failed", "forum_id", postgresql_where=text("failed_at IS NOT NULL")),
    )

    question_id: Mapped[int] = mapped_column(
        ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(BigInteger)
    """The forum of the question; a foreign key took a tenth of the time to store a batch."""
    lane: Mapped[str]
    tokens: Mapped[int]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[Now]
    lease: Mapped[UUID | None]
    error: Mapped[str | None]
    failed_at: Mapped[Instant | None]
    created_at: Mapped[Now]
    """Since when the work is due: an edit or a retry sets it again."""
    trace: Mapped[Trace]


class Embedding(Base):
    """The vector of one question by one model; each model has its own partition."""

    __tablename__ = "embeddings"
    __table_args__ = (
        Index("ix_embeddings_forum_id", "forum_id"),
        {"postgresql_partition_by": "LIST (model_id)"},
    )

    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    question_id: Mapped[int] = mapped_column(
        ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(BigInteger)
    visible: Mapped[bool]
    text_digest: Mapped[bytes] = mapped_column(LargeBinary)
    vector: Mapped[object] = mapped_column(HALFVEC())


class VectorHead(Base):
    """How often a forum's vectors of a model have changed; triggers count.

    A transaction that changes vectors locks the row until its commit, so changes become visible in
    the order of their versions.
    """

    __tablename__ = "vector_heads"

    model_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    forum_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    floor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Changes up to this version are forgotten."""
    marked: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """The version at the last upkeep; the next upkeep forgets the changes up to it."""


class VectorChange(Base):
    """A vector that was written, hidden, shown or erased; triggers note it."""

    __tablename__ = "vector_changes"

    model_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    forum_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    question_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Throughput(Base):
    """Questions done in each minute; Retry-After and the Insight page are computed from it."""

    __tablename__ = "throughput"

    forum_id: Mapped[int] = mapped_column(
        ForeignKey("forums.id", ondelete="CASCADE"), primary_key=True
    )
    lane: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[Instant] = mapped_column(primary_key=True)
    done: Mapped[int]


class Heartbeat(Base):
    """When a worker last ran its models successfully."""

    __tablename__ = "heartbeats"
    __table_args__ = (CheckConstraint("proof_ms >= 0", name="proof_ms"),)

    worker: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str]
    bi_encoder: Mapped[str]
    reranker: Mapped[str]
    proof_ms: Mapped[float] = mapped_column(REAL)
    proved_at: Mapped[Instant]
