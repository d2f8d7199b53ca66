"""A forum says what does not count in its questions: prefixes of titles, and boilerplate.

Nothing is read anew by this: no forum has any yet. Where one says some, questions that come in from
then on are read without them, and a recheck reads those that are stored. Decisions stay.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_SETTINGS = ("prefixes", "boilerplate")
_READ = ("read_title", "read_body")


def upgrade() -> None:
    for name in _SETTINGS:
        column = sa.Column(name, ARRAY(sa.Text()), server_default="{}", nullable=False)
        op.add_column("forums", column)
    for name in _READ:
        op.add_column("questions", sa.Column(name, sa.String(), nullable=True))


def downgrade() -> None:
    for name in _READ:
        op.drop_column("questions", name)
    for name in _SETTINGS:
        op.drop_column("forums", name)
