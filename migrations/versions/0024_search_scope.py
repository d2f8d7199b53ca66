"""Which questions of a forum are looked at as earlier ones."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("forums", sa.Column("search_days", sa.Integer(), nullable=True))
    op.add_column(
        "forums", sa.Column("search_within", sa.String(), server_default="forum", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_forums_search_within"),
        "forums",
        "search_within IN ('forum', 'category', 'author')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_forums_search_within"), "forums")
    op.drop_column("forums", "search_within")
    op.drop_column("forums", "search_days")
