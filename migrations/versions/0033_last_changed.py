"""The index for whoever follows a forum's pairs: of pairs from before 0020 as well."""

from alembic import op

from migrations import online

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_LAST_CHANGED = "(forum_id, coalesce(changed_at, decided_at, flagged_at), id)"
_S_PER_MILLION_PAIRS = 60
_WORTH_SAYING = 100_000


def upgrade() -> None:
    pairs = online.count_rows("pairs")
    if pairs > _WORTH_SAYING:
        online.say(
            f"0033: an index of about {pairs:,} pairs, about"
            f" {pairs * _S_PER_MILLION_PAIRS / 1e6:.0f} s; the service goes on meanwhile"
        )
    online.create_index("ix_pairs_last_changed", "pairs", _LAST_CHANGED)
    # Left by an earlier 0020, which wrote every pair.
    op.execute("DROP INDEX IF EXISTS ix_pairs_changed")


def downgrade() -> None:
    op.drop_index("ix_pairs_last_changed", "pairs")
