"""An archive knows its file again: a changed one is not read on where the old one stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archives", sa.Column("fingerprint", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("archives", "fingerprint")
