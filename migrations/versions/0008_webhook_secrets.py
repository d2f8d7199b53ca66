"""Webhooks keep their last secret for a while, and rest when their receiver asks for it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("old_secret", sa.String(), nullable=True))
    for name in ("old_secret_until", "rests_until"):
        op.add_column("webhooks", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("rests_until", "old_secret_until", "old_secret"):
        op.drop_column("webhooks", name)
