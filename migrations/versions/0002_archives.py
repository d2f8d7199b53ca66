"""Archives and the ledger of their mining."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), server_default="load", nullable=False),
        sa.Column("state", sa.String(), server_default="running", nullable=False),
        _count("position"),
        _count("created"),
        _count("changed"),
        _count("unchanged"),
        _count("rejected"),
        sa.Column("rejects", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("top_k", sa.Integer(), nullable=False),
        sa.Column("bi_encoder_id", sa.Integer(), nullable=True),
        sa.Column("reranker_id", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.REAL(), nullable=True),
        _now("created_at"),
        _instant("loaded_at"),
        _instant("finished_at"),
        sa.ForeignKeyConstraint(["forum_id"], ["forums.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["bi_encoder_id"], ["models.id"]),
        sa.ForeignKeyConstraint(["reranker_id"], ["models.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_archives_forum_id_id", "archives", ["forum_id", "id"])
    op.create_table(
        "archive_units",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("archive_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("other", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _count("low_id"),
        _count("high_id"),
        _count("other_low_id"),
        _count("other_high_id"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        _now("due_at"),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        _count("found"),
        sa.Column("histogram", postgresql.JSONB(), nullable=True),
        sa.Column("took_s", sa.REAL(), nullable=True),
        _instant("done_at"),
        sa.ForeignKeyConstraint(["archive_id"], ["archives.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_archive_units_waiting",
        "archive_units",
        ["archive_id", "stage", "id"],
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index(
        "ix_archive_units_archive_id_stage", "archive_units", ["archive_id", "stage", "place"]
    )


def downgrade() -> None:
    op.drop_table("archive_units")
    op.drop_table("archives")
