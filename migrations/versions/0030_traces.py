"""Jobs and events know the trace in which they were written.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_OF_TRANSACTION = sa.text("nullif(current_setting('askedbefore.trace', true), '')")


def upgrade() -> None:
    # Rows that are there get what the default is now: nothing. No table is written anew.
    for table in ("jobs", "events"):
        column = sa.Column("trace", sa.String(), server_default=_OF_TRANSACTION, nullable=True)
        op.add_column(table, column)


def downgrade() -> None:
    for table in ("jobs", "events"):
        op.drop_column(table, "trace")
