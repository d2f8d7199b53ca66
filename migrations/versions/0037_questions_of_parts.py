"""An archive notes the questions of each part of its file, so that the next one need not find them.

Code that does not know of this looks for the questions, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("archive_parts", sa.Column("question_ids", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("archive_parts", "question_ids")
