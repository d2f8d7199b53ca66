"""An archive notes what each part of its file gave, so that the next one need not read it again.

Code that does not know of this reads everything, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archive_parts",
        sa.Column("archive_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("stored_digest", sa.LargeBinary(), nullable=False),
        sa.Column("odd", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["archive_id"], ["archives.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("archive_id", "digest"),
    )


def downgrade() -> None:
    op.drop_table("archive_parts")
