"""The index of categories leaves out the questions without one: most imports have no categories."""

from alembic import op

from migrations import online

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_OLD, _NEW = "ix_questions_forum_id_category", "ix_questions_category"


def upgrade() -> None:
    online.create_index(_NEW, "questions", "(forum_id, category) WHERE category IS NOT NULL")
    _drop(_OLD)


def downgrade() -> None:
    online.create_index(_OLD, "questions", "(forum_id, category)")
    _drop(_NEW)


def _drop(name: str) -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
