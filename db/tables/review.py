"""People, claims, decisions, groups and webhooks."""

from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId, Instant, Now
from db.tables.pairs import Pair
from db.tables.questions import Question

Index("ix_pairs_oldest", Pair.forum_id, Pair.status, Pair.flagged_at, Pair.id)
Index(
    "ix_questions_category",
    Question.forum_id,
    Question.category,
    postgresql_where=Question.category.is_not(None),
)


class Person(Base):
    """A person who reviews; only hashes of passwords and keys are stored."""

    __tablename__ = "people"

    id: Mapped[BigId]
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    key_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[Now]
    disabled_at: Mapped[Instant | None]


class Membership(Base):
    """What a person may do in a forum."""

    __tablename__ = "memberships"
    __table_args__ = (CheckConstraint("role IN ('moderator', 'admin')", name="role"),)

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(
        ForeignKey("forums.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]


class SignIn(Base):
    """A signed-in browser, until the row expires or is deleted."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    only_forum_id: Mapped[int | None] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    """The only forum in which it is valid: it came by a link from an admin of that forum."""
    created_at: Mapped[Now]
    expires_at: Mapped[Instant]


class SignInLink(Base):
    """A link that signs a person in once."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    only_forum_id: Mapped[int | None] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    """The only forum that it signs in to; null: the operator made it, it is valid everywhere."""
    expires_at: Mapped[Instant]


class SignInAttempt(Base):
    """A failed attempt to sign in, kept while it counts."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_bucket_at", "bucket", "at"),)

    id: Mapped[BigId]
    bucket: Mapped[str]
    at: Mapped[Now]


class Claim(Base):
    """Who has a pair on the screen now; it informs others and locks nothing."""

    __tablename__ = "claims"
    __table_args__ = (Index("ix_claims_forum_id_expires_at", "forum_id", "expires_at"),)

    pair_id: Mapped[int] = mapped_column(
        ForeignKey("pairs.id", ondelete="CASCADE"), primary_key=True
    )
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    holder: Mapped[str]
    claimed_at: Mapped[Now]
    expires_at: Mapped[Instant]


class Skip(Base):
    """A pair that a person has skipped for now."""

    __tablename__ = "skips"

    holder: Mapped[str] = mapped_column(primary_key=True)
    pair_id: Mapped[int] = mapped_column(
        ForeignKey("pairs.id", ondelete="CASCADE"), primary_key=True
    )
    skipped_at: Mapped[Now]


class Decision(Base):
    """One person's decision on a pair, or an undo; never changed, only followed by others.

    ``version`` is the pair's version after it. The state before it is stored too, so an undo needs
    nothing else.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_forum_id_id", "forum_id", "id"),
        Index("ix_decisions_forum_id_created_at", "forum_id", "created_at"),
        Index("ix_decisions_pair_id", "pair_id"),
        Index("ix_decisions_bulk", "bulk", postgresql_where=text("bulk IS NOT NULL")),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"))
    actor: Mapped[str]
    status: Mapped[str]
    canonical_id: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None]
    version: Mapped[int]
    earlier: Mapped[dict[str, object]] = mapped_column(JSONB)
    score: Mapped[float] = mapped_column(REAL)
    threshold: Mapped[float] = mapped_column(REAL)
    reranker_id: Mapped[int | None] = mapped_column(ForeignKey("models.id"))
    seconds: Mapped[float | None] = mapped_column(REAL)
    bulk: Mapped[UUID | None]
    undoes: Mapped[int | None] = mapped_column(BigInteger)
    undone: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Now]


class SecondOpinion(Base):
    """A pair that another person decides without seeing the first decision; it changes nothing."""

    __tablename__ = "second_opinions"
    __table_args__ = (
        Index("ix_second_opinions_pair_id", "pair_id"),
        Index("ix_second_opinions_open", "forum_id", "id", postgresql_where=text("actor IS NULL")),
        Index(
            "ix_second_opinions_differing",
            "forum_id",
            "id",
            postgresql_where=text("NOT agrees AND settled_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    pair_id: Mapped[int] = mapped_column(ForeignKey("pairs.id", ondelete="CASCADE"))
    decision_id: Mapped[int] = mapped_column(
        ForeignKey("decisions.id", ondelete="CASCADE"), unique=True
    )
    actor: Mapped[str | None]
    """Who was asked and answered."""
    status: Mapped[str | None]
    agrees: Mapped[bool | None]
    note: Mapped[str | None]
    answered_at: Mapped[Instant | None]
    settled_by: Mapped[str | None]
    settled_at: Mapped[Instant | None]
    created_at: Mapped[Now]


class Group(Base):
    """Questions that confirmed pairs connect, one of them canonical."""

    __tablename__ = "groups"
    __table_args__ = (Index("ix_groups_forum_id_id", "forum_id", "id"),)

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    canonical_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[Now]
    updated_at: Mapped[Now]


class GroupMember(Base):
    """A question in its group; a question is in one group at most."""

    __tablename__ = "group_members"

    question_id: Mapped[int] = mapped_column(
        ForeignKey("questions.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), index=True)


class Webhook(Base):
    """An address of a forum's backend that receives events."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_forum_id", "forum_id"),)

    id: Mapped[BigId]
    forum_id: Mapped[int] = mapped_column(ForeignKey("forums.id", ondelete="CASCADE"))
    url: Mapped[str]
    secret: Mapped[str]
    old_secret: Mapped[str | None]
    """The secret before, which also signs until `old_secret_until`."""
    old_secret_until: Mapped[Instant | None]
    rests_until: Mapped[Instant | None]
    """Until when its receiver asked not to be called."""
    kinds: Mapped[list[str]] = mapped_column(ARRAY(String))
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Deliveries given up on in a row."""
    disabled_at: Mapped[Instant | None]
    notice: Mapped[str | None]
    created_at: Mapped[Now]


class Delivery(Base):
    """An event to be sent to a webhook; a trigger writes the row in the event's transaction."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "ix_webhook_deliveries_due",
            "due_at",
            postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL"),
        ),
        Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
        Index(
            "ix_webhook_deliveries_webhook_id_due",
            "webhook_id",
            "due_at",
            postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    """Null for a test."""
    kind: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    due_at: Mapped[Now]
    answer: Mapped[int | None]
    error: Mapped[str | None]
    delivered_at: Mapped[Instant | None]
    given_up_at: Mapped[Instant | None]
    created_at: Mapped[Now]
