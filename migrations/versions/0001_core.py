"""Forums, questions, jobs, vectors, pairs, events, keys, models."""

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_table(
        "forums",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text_fields", sa.String(), server_default="title", nullable=False),
        sa.Column("threshold", sa.REAL(), nullable=True),
        sa.Column("observe_only", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pending_limit", sa.Integer(), server_default=sa.text("20000"), nullable=False),
        sa.Column("canonical_rule", sa.String(), server_default="oldest", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forums")),
        sa.UniqueConstraint("name", name=op.f("uq_forums_name")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("bi_encoder", sa.String(), nullable=False),
        sa.Column("reranker", sa.String(), nullable=False),
        sa.Column("proof_ms", sa.REAL(), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("proof_ms >= 0", name=op.f("ck_heartbeats_proof_ms")),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=True),
        sa.Column("calibration", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("kind", "digest", name=op.f("uq_models_kind_digest")),
    )
    op.create_index(
        "uq_models_active", "models", ["kind"], unique=True, postgresql_where=sa.text("active")
    )
    op.create_table(
        "api_key_forums",
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_api_key_forums_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
            name=op.f("fk_api_key_forums_key_id_api_keys"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key_id", "forum_id", name=op.f("pk_api_key_forums")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=True),
        sa.Column("pair_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forums.id"], name=op.f("fk_events_forum_id_forums"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_forum_id_id", "events", ["forum_id", "id"], unique=False)
    op.create_index("ix_events_pair_id", "events", ["pair_id"], unique=False)
    op.create_index("ix_events_question_id", "events", ["question_id"], unique=False)
    op.create_table(
        "questions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), server_default="", nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visible", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archive_id", sa.BigInteger(), nullable=True),
        sa.Column("text_fields", sa.String(), nullable=False),
        sa.Column("text_digest", sa.LargeBinary(), nullable=False),
        sa.Column("text_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("foreign_share", sa.REAL(), server_default=sa.text("0"), nullable=False),
        sa.Column("threshold", sa.REAL(), nullable=True),
        sa.Column("bi_encoder_id", sa.Integer(), nullable=True),
        sa.Column("reranker_id", sa.Integer(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["bi_encoder_id"], ["models.id"], name=op.f("fk_questions_bi_encoder_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_questions_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reranker_id"], ["models.id"], name=op.f("fk_questions_reranker_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint(
            "forum_id", "external_id", name=op.f("uq_questions_forum_id_external_id")
        ),
    )
    op.create_index(
        "ix_questions_forum_id_text_digest", "questions", ["forum_id", "text_digest"], unique=False
    )
    op.create_table(
        "throughput",
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_throughput_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("forum_id", "lane", "minute", name=op.f("pk_throughput")),
    )
    op.create_table(
        "embeddings",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("text_digest", sa.LargeBinary(), nullable=False),
        sa.Column("vector", HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_embeddings_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["questions.id"],
            name=op.f("fk_embeddings_question_id_questions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "question_id", name=op.f("pk_embeddings")),
        postgresql_partition_by="LIST (model_id)",
    )
    op.create_index("ix_embeddings_forum_id", "embeddings", ["forum_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forums.id"], name=op.f("fk_jobs_forum_id_forums"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["question_id"],
            ["questions.id"],
            name=op.f("fk_jobs_question_id_questions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["lane", "forum_id", "due_at", "question_id"],
        unique=False,
        postgresql_where=sa.text("failed_at IS NULL"),
    )
    op.create_index(
        "ix_jobs_failed",
        "jobs",
        ["forum_id"],
        unique=False,
        postgresql_where=sa.text("failed_at IS NOT NULL"),
    )
    op.create_table(
        "pairs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("low_id", sa.BigInteger(), nullable=False),
        sa.Column("high_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cosine", sa.REAL(), nullable=True),
        sa.Column("logit_low_high", sa.REAL(), nullable=True),
        sa.Column("logit_high_low", sa.REAL(), nullable=True),
        sa.Column("score", sa.REAL(), nullable=False),
        sa.Column("threshold", sa.REAL(), nullable=False),
        sa.Column("bi_encoder_id", sa.Integer(), nullable=True),
        sa.Column("reranker_id", sa.Integer(), nullable=True),
        sa.Column("low_text_version", sa.Integer(), nullable=False),
        sa.Column("high_text_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "flagged_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("canonical_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.CheckConstraint("low_id < high_id", name=op.f("ck_pairs_ordered")),
        sa.ForeignKeyConstraint(
            ["bi_encoder_id"], ["models.id"], name=op.f("fk_pairs_bi_encoder_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"], ["forums.id"], name=op.f("fk_pairs_forum_id_forums"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["high_id"],
            ["questions.id"],
            name=op.f("fk_pairs_high_id_questions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["low_id"], ["questions.id"], name=op.f("fk_pairs_low_id_questions"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reranker_id"], ["models.id"], name=op.f("fk_pairs_reranker_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairs")),
        sa.UniqueConstraint("low_id", "high_id", name=op.f("uq_pairs_low_id_high_id")),
    )
    op.create_index("ix_pairs_forum_id_id", "pairs", ["forum_id", "id"], unique=False)
    op.create_index("ix_pairs_high_id", "pairs", ["high_id"], unique=False)
    op.create_index("ix_pairs_queue", "pairs", ["forum_id", "status", "score", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_pairs_queue", table_name="pairs")
    op.drop_index("ix_pairs_high_id", table_name="pairs")
    op.drop_index("ix_pairs_forum_id_id", table_name="pairs")
    op.drop_table("pairs")
    op.drop_index(
        "ix_jobs_failed", table_name="jobs", postgresql_where=sa.text("failed_at IS NOT NULL")
    )
    op.drop_index("ix_jobs_due", table_name="jobs", postgresql_where=sa.text("failed_at IS NULL"))
    op.drop_table("jobs")
    op.drop_index("ix_embeddings_forum_id", table_name="embeddings")
    op.drop_table("embeddings")
    op.drop_table("throughput")
    op.drop_index("ix_questions_forum_id_text_digest", table_name="questions")
    op.drop_table("questions")
    op.drop_index("ix_events_question_id", table_name="events")
    op.drop_index("ix_events_pair_id", table_name="events")
    op.drop_index("ix_events_forum_id_id", table_name="events")
    op.drop_table("events")
    op.drop_table("api_key_forums")
    op.drop_index("uq_models_active", table_name="models", postgresql_where=sa.text("active"))
    op.drop_table("models")
    op.drop_table("heartbeats")
    op.drop_table("forums")
    op.drop_table("api_keys")
