"""What is due is found webhook by webhook, so that none waits for another's backlog."""

from alembic import op
from sqlalchemy import text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAME = "ix_webhook_deliveries_webhook_id_due"


def upgrade() -> None:
    # Concurrently: events write deliveries meanwhile.
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}")  # of a run that was broken off
        op.create_index(
            _NAME,
            "webhook_deliveries",
            ["webhook_id", "due_at"],
            postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index(_NAME, "webhook_deliveries")
