"""When each pair last changed, for whoever follows a forum's pairs.

The pairs that are there already keep no time here, and none of them is written: theirs is read
from when they were decided on or flagged. Writing it would take half an hour for a million pairs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_CHANGED = """
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$
"""
_TRIGGER = """
CREATE TRIGGER pairs_changed BEFORE INSERT OR UPDATE OF version ON pairs
FOR EACH ROW EXECUTE FUNCTION note_change()
"""


def upgrade() -> None:
    op.add_column("pairs", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_CHANGED)
    op.execute(_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER pairs_changed ON pairs")
    op.execute("DROP FUNCTION note_change()")
    op.drop_column("pairs", "changed_at")
