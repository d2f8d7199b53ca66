"""An archive notes which file it was read from: the same file again has nothing new."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archives", sa.Column("file_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("archives", "file_digest")
