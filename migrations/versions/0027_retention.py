"""How long a forum's texts, authors, events and decisions stay, and how authors are kept.

All columns have a default that changes nothing; the version before does not read them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_DAYS = ("keep_questions_days", "keep_authors_days", "keep_events_days", "keep_decisions_days")


def upgrade() -> None:
    for name in _DAYS:
        op.add_column("forums", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column(
        "forums", sa.Column("author_names", sa.String(), server_default="kept", nullable=False)
    )
    # A value of its own for each forum: the rows of this small table are written anew.
    op.add_column(
        "forums",
        sa.Column(
            "author_salt", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
    )


def downgrade() -> None:
    for name in (*_DAYS, "author_names", "author_salt"):
        op.drop_column("forums", name)
