"""Calibrations of forums; pairs that people joined by hand get a kind of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Joining by hand writes a withdrawn pair and at once decides on it; a link out of an archive comes
# confirmed, by "archive", so that the first decision on it finds it so.
_JOINED = """
UPDATE pairs SET kind = 'joined' WHERE kind = 'known' AND (
    SELECT d.earlier->>'status' = 'withdrawn' AND d.earlier->>'decided_by' IS NULL
    FROM decisions d WHERE d.pair_id = pairs.id ORDER BY d.id LIMIT 1
)
"""


def upgrade() -> None:
    op.create_table(
        "forum_calibrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("reranker_id", sa.Integer(), nullable=False),
        sa.Column("bi_encoder_id", sa.Integer(), nullable=False),
        sa.Column("slope", sa.Double(), nullable=False),
        sa.Column("shift", sa.Double(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("lowest", sa.REAL(), nullable=False),
        sa.Column("error_before", sa.REAL(), nullable=False),
        sa.Column("error_after", sa.REAL(), nullable=False),
        sa.Column("brier_before", sa.REAL(), nullable=False),
        sa.Column("brier_after", sa.REAL(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bi_encoder_id"],
            ["models.id"],
            name=op.f("fk_forum_calibrations_bi_encoder_id_models"),
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_forum_calibrations_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reranker_id"], ["models.id"], name=op.f("fk_forum_calibrations_reranker_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_calibrations")),
    )
    op.create_index("ix_forum_calibrations_forum_id_id", "forum_calibrations", ["forum_id", "id"])
    op.create_index(
        "uq_forum_calibrations_standing",
        "forum_calibrations",
        ["forum_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("pairs", sa.Column("raw_score", sa.REAL(), nullable=True))
    op.add_column("pairs", sa.Column("calibration_id", sa.BigInteger(), nullable=True))
    op.execute(_JOINED)


def downgrade() -> None:
    op.execute("UPDATE pairs SET kind = 'known' WHERE kind = 'joined'")
    # The version before knows the model's own probabilities alone.
    op.execute("UPDATE pairs SET score = raw_score WHERE raw_score IS NOT NULL")
    op.drop_column("pairs", "calibration_id")
    op.drop_column("pairs", "raw_score")
    op.drop_table("forum_calibrations")
