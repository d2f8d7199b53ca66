"""What proposes the canonical question of a group is a setting of the forum."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    by = sa.Column("canonical_by", sa.String(), server_default="answers", nullable=False)
    op.add_column("forums", by)


def downgrade() -> None:
    op.drop_column("forums", "canonical_by")
