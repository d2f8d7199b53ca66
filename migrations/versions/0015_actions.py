"""What a forum is to carry out, how far the service may go there, and what was objected to.

Triggers note each question about which something has changed; what follows from it is computed
later, by whoever settles the forum's notes. So no writer of groups or pairs can forget it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A note that is there already is held until the change commits: whoever takes it meanwhile would
# compute from what was before.
_NOTE_MEMBERS = """
CREATE FUNCTION note_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsettled (question_id, forum_id)
    SELECT moved.question_id, questions.forum_id
    FROM moved JOIN questions ON questions.id = moved.question_id
    ON CONFLICT (question_id) DO UPDATE SET forum_id = excluded.forum_id;
    RETURN NULL;
END $$
"""
_NOTE_CANONICALS = """
CREATE FUNCTION note_canonicals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsettled (question_id, forum_id)
    SELECT group_members.question_id, fresh.forum_id
    FROM fresh JOIN former ON former.id = fresh.id
    JOIN group_members ON group_members.group_id = fresh.id
    WHERE fresh.canonical_id <> former.canonical_id
    ON CONFLICT (question_id) DO UPDATE SET forum_id = excluded.forum_id;
    RETURN NULL;
END $$
"""
# Flagged pairs by themselves matter only where a forum is told of them.
_NOTE_PAIRS = """
CREATE FUNCTION note_pairs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsettled (question_id, forum_id)
    SELECT DISTINCT one.id, fresh.forum_id
    FROM fresh
    JOIN forums ON forums.id = fresh.forum_id AND forums.rung IN ('label', 'suggest')
    CROSS JOIN LATERAL unnest(ARRAY[fresh.low_id, fresh.high_id]) AS one (id)
    ORDER BY one.id
    ON CONFLICT (question_id) DO UPDATE SET forum_id = excluded.forum_id;
    RETURN NULL;
END $$
"""
_FUNCTIONS = (_NOTE_MEMBERS, _NOTE_CANONICALS, _NOTE_PAIRS)
_TRIGGERS = (
    (
        "CREATE TRIGGER members_joined AFTER INSERT ON group_members"
        " REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION note_members()"
    ),
    (
        "CREATE TRIGGER members_left AFTER DELETE ON group_members"
        " REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION note_members()"
    ),
    (
        "CREATE TRIGGER groups_led_anew AFTER UPDATE ON groups"
        " REFERENCING OLD TABLE AS former NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_canonicals()"
    ),
    (
        "CREATE TRIGGER pairs_found AFTER INSERT ON pairs"
        " REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_pairs()"
    ),
    (
        "CREATE TRIGGER pairs_moved AFTER UPDATE ON pairs"
        " REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_pairs()"
    ),
)


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    _add_settings()
    _create_tables()
    for statement in (*_FUNCTIONS, *_TRIGGERS):
        op.execute(statement)


def _add_settings() -> None:
    for column in (
        sa.Column("rung", sa.String(), server_default="queue", nullable=False),
        sa.Column("grace_h", sa.REAL(), server_default=sa.text("48"), nullable=False),
        sa.Column("wanted_precision", sa.REAL(), server_default=sa.text("0.98"), nullable=False),
        sa.Column("act_threshold", sa.REAL(), nullable=True),
    ):
        op.add_column("forums", column)
    op.execute("UPDATE forums SET rung = 'log' WHERE observe_only")


def _create_tables() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _id("forum_id"),
        _id("question_id"),
        sa.Column("canonical_id", sa.BigInteger(), nullable=True),
        sa.Column("pair_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        _now("due_at"),
        _instant("told_at"),
        _instant("applied_at"),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint(
            "kind IN ('close', 'reopen', 'label', 'note')", name=op.f("ck_actions_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'applied', 'failed', 'reverted', 'vetoed')",
            name=op.f("ck_actions_state"),
        ),
        _of("actions", "forum_id", "forums"),
        _of("actions", "question_id", "questions"),
        _of("actions", "canonical_id", "questions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
        sa.UniqueConstraint("token", name=op.f("uq_actions_token")),
    )
    op.create_index("ix_actions_forum_id_state_id", "actions", ["forum_id", "state", "id"])
    op.create_index("ix_actions_question_id_id", "actions", ["question_id", "id"])
    op.create_index("ix_actions_canonical_id", "actions", ["canonical_id"])
    op.create_index(
        "uq_actions_open",
        "actions",
        ["question_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_actions_untold",
        "actions",
        ["due_at"],
        postgresql_where=sa.text("state = 'open' AND told_at IS NULL"),
    )
    op.create_table(
        "vetoes",
        _id("question_id"),
        _id("forum_id"),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        _now("created_at"),
        sa.CheckConstraint(
            "source IN ('objection', 'edit', 'reopening')", name=op.f("ck_vetoes_source")
        ),
        _of("vetoes", "forum_id", "forums"),
        _of("vetoes", "question_id", "questions"),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_vetoes")),
    )
    op.create_table(
        "unsettled",
        _id("question_id"),
        _id("forum_id"),
        _of("unsettled", "forum_id", "forums"),
        _of("unsettled", "question_id", "questions"),
        sa.PrimaryKeyConstraint("question_id", name=op.f("pk_unsettled")),
    )
    op.create_index("ix_unsettled_forum_id", "unsettled", ["forum_id"])


def downgrade() -> None:
    for name, table in (
        ("members_joined", "group_members"),
        ("members_left", "group_members"),
        ("groups_led_anew", "groups"),
        ("pairs_found", "pairs"),
        ("pairs_moved", "pairs"),
    ):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in ("note_members", "note_canonicals", "note_pairs"):
        op.execute(f"DROP FUNCTION {name}()")
    for table in ("unsettled", "vetoes", "actions"):
        op.drop_table(table)
    for name in ("rung", "grace_h", "wanted_precision", "act_threshold"):
        op.drop_column("forums", name)
