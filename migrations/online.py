"""What a migration does to a large table while the service goes on; it can be broken off and rerun.

Everything here commits by itself, outside the transaction of the migration.
"""

from collections.abc import Sequence

from alembic import context, op
from sqlalchemy import text

_BATCH = 5_000
"""Rows that are locked together: about half a second of a row's trigger."""


def say(line: str) -> None:
    """Tell whoever runs the migrations."""
    context.config.attributes.get("say", print)(line)


def count_rows(table: str) -> int:
    """Return about how many rows a table has, as Postgres last estimated it."""
    found = text(
        "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(:name)"
    )
    return int(op.get_bind().execute(found, {"name": table}).scalar_one())


def create_index(name: str, table: str, definition: str) -> None:
    """Build an index without stopping writers; it is left alone if it is there and valid.

    *definition* follows the table's name: ``(forum_id, id)``, ``USING gin (words)``.
    """
    state = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    if op.get_bind().execute(state, {"name": name}).scalar_one_or_none():
        return
    with op.get_context().autocommit_block():
        # It waits for transactions that are older than itself: more than a lock may take.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # of a run that was broken off
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} {definition}")
        op.execute("SET lock_timeout = '4s'")


def fill(table: str, change: str, *, where: str) -> None:
    """Change the rows that still need it, some thousands at a time, each time committed."""
    with op.get_context().autocommit_block():
        for low, high in _ranges(table):
            op.execute(
                f"UPDATE {table} SET {change}"  # noqa: S608  # parts of our own
                f" WHERE id BETWEEN {low} AND {high} AND {where}"
            )


def _ranges(table: str) -> Sequence[tuple[int, int]]:
    ends = f"SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM {table}"  # noqa: S608
    first, last = op.get_bind().execute(text(ends)).one()
    return [(low, low + _BATCH - 1) for low in range(first, last + 1, _BATCH)]
