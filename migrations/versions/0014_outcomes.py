"""What became of the questions that were suggested to askers."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("check_key", sa.LargeBinary(), nullable=False),
        sa.Column("candidate_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_as", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "outcome IN ('shown', 'opened', 'answered', 'different', 'posted')",
            name=op.f("ck_outcomes_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_outcomes_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["questions.id"],
            name=op.f("fk_outcomes_candidate_id_questions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
    )
    op.create_index(
        "uq_outcomes_check_key",
        "outcomes",
        ["check_key", "outcome", sa.text("coalesce(candidate_id, 0)")],
        unique=True,
    )
    op.create_index("ix_outcomes_forum_id_created_at", "outcomes", ["forum_id", "created_at"])
    op.create_index("ix_outcomes_candidate_id", "outcomes", ["candidate_id"])
    op.create_index(
        "ix_outcomes_asked_as",
        "outcomes",
        ["forum_id", "asked_as"],
        postgresql_where=sa.text("asked_as IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("outcomes")
