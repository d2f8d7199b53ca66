"""What a forum knows about a question beside its text, and which version of it this is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COLUMNS = ("facts", "edited_at", "revision")


def upgrade() -> None:
    # Without a default, so no row is written.
    op.add_column("questions", sa.Column("facts", postgresql.JSONB(), nullable=True))
    op.add_column("questions", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("questions", sa.Column("revision", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("questions", name)
