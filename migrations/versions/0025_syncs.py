"""Imports that are repeated by the clock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    def instant(name: str, *, default: bool = False) -> sa.Column[object]:
        now = sa.text("now()") if default else None
        return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=not default)

    op.create_table(
        "syncs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("cursor", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("archive_id", sa.BigInteger(), nullable=True),
        instant("due_at", default=True),
        instant("run_at"),
        instant("created_at", default=True),
        sa.ForeignKeyConstraint(["forum_id"], ["forums.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("forum_id", "source"),
    )


def downgrade() -> None:
    op.drop_table("syncs")
