"""The large indexes of reviewing, and the words of every pair, built while the service goes on.

They were part of 0003 and 0004, which stopped writers for as long as they took: a database that has
passed those has all of this already, and nothing is done.
"""

from alembic import op
from sqlalchemy import text

from migrations import online

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_pairs_entry", "pairs", "(entry) WHERE status = 'flagged'"),
    ("ix_pairs_oldest", "pairs", "(forum_id, status, flagged_at, id)"),
    ("ix_pairs_useful", "pairs", "(forum_id, status, useful, id)"),
    ("ix_pairs_category", "pairs", "(forum_id, status, category, score, id)"),
    ("ix_pairs_words", "pairs", "USING gin (words)"),
    ("ix_questions_forum_id_category", "questions", "(forum_id, category)"),
)
_S_PER_MILLION_PAIRS = 900
"""Measured with 60,000 flagged pairs on two busy cores: 53 s, most of it for the words."""
_WORTH_SAYING = 10_000


def upgrade() -> None:
    empty = "SELECT EXISTS (SELECT FROM pairs WHERE words IS NULL)"
    waits = op.get_bind().execute(text(empty)).scalar_one()
    pairs = online.count_rows("pairs")
    if waits and pairs > _WORTH_SAYING:
        minutes = pairs * _S_PER_MILLION_PAIRS / 1e6 / 60
        online.say(
            f"0010: indexes and words for about {pairs:,} pairs, about {minutes:.0f} minutes;"
            " the service goes on meanwhile, and a run that was broken off is taken up again"
        )
    # The first one serves the filling, and an index is built quicker than it is kept.
    online.create_index(*_INDEXES[0])
    online.fill("pairs", "words = NULL", where="words IS NULL")
    for index in _INDEXES[1:]:
        online.create_index(*index)


def downgrade() -> None:
    """Leave them: 0004 and 0003 drop them with their tables and columns."""
