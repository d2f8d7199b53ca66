"""A sign-in by a link that an admin of a forum made counts in that forum alone."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("sign_in_links", "sign_ins"):
        op.add_column(table, sa.Column("only_forum_id", sa.BigInteger(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_only_forum_id_forums"),
            table,
            "forums",
            ["only_forum_id"],
            ["id"],
            ondelete="CASCADE",
        )
        # Nobody knows any more who made the link behind an old one: everybody signs in again.
        op.execute(f"DELETE FROM {table}")  # noqa: S608  # names of our own


def downgrade() -> None:
    for table in ("sign_ins", "sign_in_links"):
        # The version before would let them count in every forum.
        op.execute(f"DELETE FROM {table} WHERE only_forum_id IS NOT NULL")  # noqa: S608
        op.drop_column(table, "only_forum_id")
