"""A job's forum is not checked: it is that of its question, with which it is deleted."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_KEY = "fk_jobs_forum_id_forums"


def upgrade() -> None:
    op.drop_constraint(_KEY, "jobs", type_="foreignkey")


def downgrade() -> None:
    op.create_foreign_key(_KEY, "jobs", "forums", ["forum_id"], ["id"], ondelete="CASCADE")
