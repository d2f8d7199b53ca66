"""A partition of `embeddings` for each model, and the vector index on it.

An index is needed only for forums whose vectors do not fit into the memory of a worker: adding to
an HNSW graph costs more than computing the vector. A new model is filled without an index and
indexed afterwards, concurrently. This is about forty times cheaper than adding row by row, and live
search goes on meanwhile.
"""

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from db.vectors.rows import ModelRow

_LOCK = 7_302_561
_LOCK_TIMEOUT = "4s"
_MANY, _SHARE = 5_000, 4
"""From so many new vectors, and from this share of those stored, a new build is cheaper."""


# A graph that needs more memory than this is built many times slower.
_ENOUGH_MEMORY = """
    SELECT set_config('maintenance_work_mem', '512MB', false)
    WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('512MB')"""


def partition(model_id: int) -> str:
    """Return the name of the partition that holds a model's vectors."""
    return f"embeddings_m{int(model_id)}"


def index(model_id: int) -> str:
    """Return the name of the vector index of a model's partition."""
    return f"{partition(model_id)}_vector"


def ensure_partition(session: Session, model: ModelRow, *, with_index: bool = True) -> None:
    """Create the partition of a model, if it does not exist.

    Several workers may call it at the same time: one creates it, the others wait for it.
    """
    name = partition(model.id)
    session.execute(select(func.pg_advisory_xact_lock(_LOCK, model.id)))
    if session.execute(select(func.to_regclass(name))).scalar_one() is not None:
        return
    session.execute(
        text(f"CREATE TABLE {name} PARTITION OF embeddings FOR VALUES IN ({int(model.id)})")
    )
    if with_index:
        session.execute(text(_index_statement(model, how="")))


def build_index(engine: Engine, model: ModelRow) -> None:
    """Build the vector index of a model without blocking writers, if it does not exist.

    The rest of an interrupted build is removed first. A vector takes about 0.4 ms on two cores. The
    build needs Postgres' maintenance_work_mem, which is raised if it is small.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(_LOCK, model.id)))
        try:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql(_ENOUGH_MEMORY)
            if is_valid(Session(connection), model.id) is False:
                connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {index(model.id)}")
            connection.exec_driver_sql(_index_statement(model, how="CONCURRENTLY "))
        finally:
            connection.execute(select(func.pg_advisory_unlock(_LOCK, model.id)))
            connection.invalidate()  # its settings must not reach the next user of the pool


def is_valid(session: Session, model_id: int) -> bool | None:
    """Return whether a model's vector index can be used; None if there is none."""
    statement = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return session.execute(statement, {"name": index(model_id)}).scalar_one_or_none()


def is_needed(session: Session, model_id: int, *, fit: int) -> bool:
    """Return whether a forum has more vectors of a model than *fit* into a worker's memory."""
    statement = text(
        "SELECT EXISTS (SELECT FROM embeddings WHERE model_id = :model"
        " GROUP BY forum_id HAVING count(*) > :fit)"
    )
    found = session.execute(statement, {"model": model_id, "fit": fit})
    return bool(found.scalar_one())


def make_way(session: Session, model_id: int, *, stored: int, new: int) -> bool:
    """Drop the index of *stored* vectors if *new* ones are so many that building it is cheaper.

    Adding to an HNSW graph row by row takes forty times as long as building it. Return whether
    there was one: the caller adds the vectors and builds it again.
    """
    if new < _MANY or new * _SHARE < stored or is_valid(session, model_id) is None:
        return False
    drop_index(session, model_id)
    return True


def drop_index(session: Session, model_id: int) -> None:
    """Drop a model's vector index. It does not wait long for a lock, or searches would wait too."""
    session.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    session.execute(text(f"DROP INDEX IF EXISTS {index(model_id)}"))


def _index_statement(model: ModelRow, *, how: str) -> str:
    return (
        f"CREATE INDEX {how}IF NOT EXISTS {index(model.id)} ON {partition(model.id)} USING hnsw"
        f" ((vector::halfvec({int(model.dimension or 0)})) halfvec_cosine_ops)"
        " WITH (m = 16, ef_construction = 64)"
    )
