"""An archive counts what it kept out, by kind."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counts = sa.Column("counts", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("archives", counts)


def downgrade() -> None:
    op.drop_column("archives", "counts")
