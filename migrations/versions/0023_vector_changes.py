"""Which vectors changed, in the order of their commits, for those who hold them in memory.

A forum's count is raised by whoever changes its vectors, and held until the commit: who has seen a
count has seen every change up to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_NOTE = """
CREATE FUNCTION note_vector_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH heads AS (
        INSERT INTO vector_heads (model_id, forum_id, version)
        SELECT DISTINCT model_id, forum_id, 1 FROM changed ORDER BY model_id, forum_id
        ON CONFLICT (model_id, forum_id) DO UPDATE SET version = vector_heads.version + 1
        RETURNING model_id, forum_id, version
    )
    INSERT INTO vector_changes (model_id, forum_id, version, question_id)
    SELECT heads.model_id, heads.forum_id, heads.version, changed.question_id
    FROM changed JOIN heads USING (model_id, forum_id);
    RETURN NULL;
END
$$
"""
_EVENTS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def upgrade() -> None:
    op.create_table(
        "vector_heads",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("marked", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("model_id", "forum_id", name=op.f("pk_vector_heads")),
    )
    op.create_table(
        "vector_changes",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("forum_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "model_id", "forum_id", "version", "question_id", name=op.f("pk_vector_changes")
        ),
    )
    op.execute(_NOTE)
    for event, rows in _EVENTS.items():
        op.execute(
            f"CREATE TRIGGER note_{event.lower()} AFTER {event} ON embeddings"
            f" REFERENCING {rows} TABLE AS changed"
            " FOR EACH STATEMENT EXECUTE FUNCTION note_vector_changes()"
        )


def downgrade() -> None:
    for event in _EVENTS:
        op.execute(f"DROP TRIGGER note_{event.lower()} ON embeddings")
    op.execute("DROP FUNCTION note_vector_changes()")
    op.drop_table("vector_changes")
    op.drop_table("vector_heads")
