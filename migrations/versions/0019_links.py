"""Questions are found by their links."""

from alembic import op

from migrations import online

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NAME = "ix_questions_forum_id_url"


def upgrade() -> None:
    online.create_index(_NAME, "questions", "(forum_id, md5(url)) WHERE url IS NOT NULL")


def downgrade() -> None:
    op.drop_index(_NAME, "questions")
