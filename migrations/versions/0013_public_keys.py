"""Keys that stand in a web page: each is bound to the origins of its forum's pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "api_keys",
        sa.Column(
            "origins",
            postgresql.ARRAY(sa.String()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.execute("DELETE FROM api_keys WHERE 'ask' = ANY (scopes)")
    op.drop_column("api_keys", "origins")
