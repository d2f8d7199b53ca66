"""When each pair last changed, for whoever follows a forum's pairs."""

import sqlalchemy as sa
from alembic import op

from migrations import online

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
_TAKEN_UP_AGAIN = "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'pairs_changed')"


def upgrade() -> None:
    if not op.get_bind().execute(sa.text(_TAKEN_UP_AGAIN)).scalar_one():
        column = sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True)
        op.add_column("pairs", column)
        op.execute(_CHANGED)
        op.execute(_TRIGGER)
    online.fill(
        "pairs", "changed_at = coalesce(decided_at, flagged_at)", where="changed_at IS NULL"
    )
    online.create_index("ix_pairs_changed", "pairs", "(forum_id, changed_at, id)")


def downgrade() -> None:
    op.drop_index("ix_pairs_changed", "pairs")
    op.execute("DROP TRIGGER pairs_changed ON pairs")
    op.execute("DROP FUNCTION note_change()")
    op.drop_column("pairs", "changed_at")
