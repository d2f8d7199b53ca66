"""Archives say who reads them, and why a file was not read to its end."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archives", sa.Column("error", sa.String(), nullable=True))
    op.add_column("archives", sa.Column("attended_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # The version before knows no such state, and would refuse to list it.
    op.execute("UPDATE archives SET state = 'cancelled' WHERE state = 'failed'")
    op.drop_column("archives", "attended_at")
    op.drop_column("archives", "error")
