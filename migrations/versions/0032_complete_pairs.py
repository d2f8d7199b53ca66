"""A pair that comes with its words and its entry keeps them: a forum that moves brings them along.

Only imports of whole forums write them. Looking for the entry of each of 50,000 pairs took longer
than all the rest of such an import.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_FUNCTION = """
CREATE OR REPLACE FUNCTION complete_pair() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    around bigint[];
BEGIN{kept}
    IF TG_OP = 'INSERT' OR NEW.words IS NULL THEN
        SELECT to_tsvector('simple', low.title || ' ' || high.title),
            CASE WHEN low.category = high.category THEN low.category END
        INTO NEW.words, NEW.category
        FROM questions AS low, questions AS high
        WHERE low.id = NEW.low_id AND high.id = NEW.high_id;
    END IF;
    IF NEW.status = 'flagged' THEN
        around := questions_around(NEW.low_id, NEW.high_id);
        IF TG_OP = 'INSERT' OR OLD.status <> 'flagged' OR NEW.entry IS NULL THEN
            NEW.entry := entry_of(NEW, around);
        END IF;
        NEW.useful := usefulness_of(NEW, around);
    END IF;
    RETURN NEW;
END $$
"""
_KEPT = """
    IF TG_OP = 'INSERT' AND NEW.words IS NOT NULL
        AND (NEW.status <> 'flagged' OR NEW.entry IS NOT NULL) THEN
        RETURN NEW;
    END IF;"""


def upgrade() -> None:
    op.execute(_FUNCTION.format(kept=_KEPT))


def downgrade() -> None:
    op.execute(_FUNCTION.format(kept=""))
