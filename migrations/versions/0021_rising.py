"""From how many askers within which time a question counts as rising."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("rising_count", sa.Integer(), server_default=sa.text("5"), nullable=False),
        sa.Column("rising_window_h", sa.REAL(), server_default=sa.text("1"), nullable=False),
    ):
        op.add_column("forums", column)


def downgrade() -> None:
    op.drop_column("forums", "rising_window_h")
    op.drop_column("forums", "rising_count")
