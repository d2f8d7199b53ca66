"""Entries of the queue, what a decision is worth, what is searched for; second opinions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A flagged pair joins the entry of a flagged pair beside it: one with the same question, or with
# another question of the same confirmed group. It looks at its own neighbours only and writes
# nothing but its own row, whoever flags it: so it costs the same in a queue of any length, locks
# nobody out, and no writer can forget it. Twelve questions are what a person can judge at once.
#
# A session keeps the plan that it made when the table was small, and an archive fills it in one
# session: nothing but the indexes of the two questions may serve, so sequential scans are off, and
# the status is written so that no index on it fits.
_ENTRY = """
CREATE FUNCTION entry_of(pair pairs, around bigint[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce((
        SELECT near.entry FROM (
            SELECT DISTINCT beside.entry FROM (
                SELECT p.entry FROM pairs AS p
                WHERE (p.low_id = ANY (around) OR p.high_id = ANY (around))
                AND p.status || '' = 'flagged' AND p.id <> pair.id AND p.entry IS NOT NULL
                LIMIT 100
            ) AS beside
        ) AS near
        WHERE (
            SELECT count(DISTINCT one.id) FROM pairs AS p, LATERAL unnest(
                ARRAY[p.low_id, p.high_id]
            ) AS one (id)
            WHERE p.entry = near.entry AND p.status = 'flagged'
            AND one.id NOT IN (pair.low_id, pair.high_id)
        ) <= 10
        ORDER BY near.entry LIMIT 1
    ), pair.id)
$$
"""
# What a decision is worth: probability x (1 + uncertainty) x log2(1 + reach). Reach counts the
# questions it is about, with those of their groups, and the other flagged pairs around them.
_USEFUL = """
CREATE FUNCTION usefulness_of(pair pairs, around bigint[]) RETURNS real LANGUAGE sql AS $$
    SELECT (
        pair.score * (1 + 4 * pair.score * (1 - pair.score))
        * log(2, 1 + cardinality(around) + (
            SELECT count(*) FROM (
                SELECT 1 FROM pairs AS p
                WHERE (p.low_id = ANY (around) OR p.high_id = ANY (around))
                AND p.status || '' = 'flagged' AND p.id <> pair.id
                LIMIT 100
            ) AS others
        ))
    )::real
$$
"""
_AROUND = """
CREATE FUNCTION questions_around(low bigint, high bigint) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(id) FROM (
        SELECT low AS id UNION SELECT high UNION (
            SELECT other.question_id FROM group_members AS own
            JOIN group_members AS other USING (group_id)
            WHERE own.question_id IN (low, high) LIMIT 100
        )
    ) AS found
$$
"""
_KNOWN = """
CREATE FUNCTION complete_pair() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    around bigint[];
BEGIN
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
_ON_PAIRS = """
CREATE TRIGGER pairs_complete BEFORE INSERT OR UPDATE OF status, score, useful, words ON pairs
FOR EACH ROW EXECUTE FUNCTION complete_pair()
"""
_RENAMED = """
CREATE FUNCTION complete_pairs_of_question() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pairs SET words = NULL WHERE low_id = NEW.id OR high_id = NEW.id;
    RETURN NULL;
END $$
"""
_ON_QUESTIONS = """
CREATE TRIGGER questions_renamed AFTER UPDATE OF title, category ON questions FOR EACH ROW
WHEN (OLD.title <> NEW.title OR OLD.category IS DISTINCT FROM NEW.category)
EXECUTE FUNCTION complete_pairs_of_question()
"""


def upgrade() -> None:
    op.add_column("pairs", sa.Column("category", sa.String(), nullable=True))
    op.add_column("pairs", sa.Column("words", postgresql.TSVECTOR(), nullable=True))
    op.add_column("pairs", sa.Column("entry", sa.BigInteger(), nullable=True))
    op.add_column(
        "pairs", sa.Column("useful", sa.REAL(), server_default=sa.text("0"), nullable=False)
    )
    for statement in (_ENTRY, _USEFUL, _AROUND, _KNOWN, _ON_PAIRS, _RENAMED, _ON_QUESTIONS):
        op.execute(statement)
    # What takes long on many pairs is in 0010: their words and the large indexes.
    op.add_column(
        "forums",
        sa.Column("second_opinions", sa.REAL(), server_default=sa.text("0.03"), nullable=False),
    )
    _create_second_opinions()


def _create_second_opinions() -> None:
    op.create_table(
        "second_opinions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("agrees", sa.Boolean(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["forum_id"],
            ["forums.id"],
            name=op.f("fk_second_opinions_forum_id_forums"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pair_id"],
            ["pairs.id"],
            name=op.f("fk_second_opinions_pair_id_pairs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["decisions.id"],
            name=op.f("fk_second_opinions_decision_id_decisions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_opinions")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_second_opinions_decision_id")),
    )
    op.create_index("ix_second_opinions_pair_id", "second_opinions", ["pair_id"])
    op.create_index(
        "ix_second_opinions_open",
        "second_opinions",
        ["forum_id", "id"],
        postgresql_where=sa.text("actor IS NULL"),
    )
    op.create_index(
        "ix_second_opinions_differing",
        "second_opinions",
        ["forum_id", "id"],
        postgresql_where=sa.text("NOT agrees AND settled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("second_opinions")
    op.drop_column("forums", "second_opinions")
    op.execute("DROP TRIGGER questions_renamed ON questions")
    op.execute("DROP TRIGGER pairs_complete ON pairs")
    op.execute("DROP FUNCTION complete_pairs_of_question, complete_pair, questions_around")
    op.execute("DROP FUNCTION usefulness_of, entry_of")
    for name in ("words", "category", "useful", "entry"):
        op.drop_index(f"ix_pairs_{name}", table_name="pairs", if_exists=True)
        op.drop_column("pairs", name)
