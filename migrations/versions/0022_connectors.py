"""How the service reaches a forum's own software, and how far it has read old questions there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connectors",
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("api_key", sa.String(), nullable=True),
        sa.Column("api_user", sa.String(), nullable=True),
        sa.Column("mode", sa.String(), server_default="close", nullable=False),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column(
            "paths",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("backfill", sa.String(), server_default="none", nullable=False),
        sa.Column("page", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("served_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('discourse', 'generic')", name=op.f("ck_connectors_kind")),
        sa.CheckConstraint("mode IN ('close', 'note')", name=op.f("ck_connectors_mode")),
        sa.CheckConstraint(
            "backfill IN ('none', 'running', 'done', 'failed')", name=op.f("ck_connectors_backfill")
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_connectors_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("forum_id", name=op.f("pk_connectors")),
    )


def downgrade() -> None:
    op.drop_table("connectors")
