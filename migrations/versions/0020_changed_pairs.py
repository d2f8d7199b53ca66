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

_S_PER_MILLION_PAIRS = 1_800
"""Measured with 200,000 pairs on a machine with a twentieth of two cores to spare: 350 s."""
_WORTH_SAYING = 10_000


def upgrade() -> None:
    if not op.get_bind().execute(sa.text(_TAKEN_UP_AGAIN)).scalar_one():
        column = sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True)
        op.add_column("pairs", column)
        op.execute(_CHANGED)
        op.execute(_TRIGGER)
    pairs = online.count_rows("pairs")
    if pairs > _WORTH_SAYING:
        minutes = pairs * _S_PER_MILLION_PAIRS / 1e6 / 60
        online.say(
            f"0020: when each of about {pairs:,} pairs last changed, {minutes:.0f} minutes at most;"
            " the service goes on meanwhile, and a run that was broken off is taken up again"
        )
    online.fill(
        "pairs", "changed_at = coalesce(decided_at, flagged_at)", where="changed_at IS NULL"
    )
    online.create_index("ix_pairs_changed", "pairs", "(forum_id, changed_at, id)")


def downgrade() -> None:
    op.drop_index("ix_pairs_changed", "pairs")
    op.execute("DROP TRIGGER pairs_changed ON pairs")
    op.execute("DROP FUNCTION note_change()")
    op.drop_column("pairs", "changed_at")
