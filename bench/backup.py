"""Measures backup and restore of 100,000 questions with vectors, pairs, decisions and events.

``python -m bench.backup [COUNT]`` fills a database with made-up rows, writes a backup and restores
it into an empty database, while nothing else runs. It exports and imports the forum alone, without
and with a vector index, and prints a Markdown table. A service of this size has no vector index by
default: workers search in their own memory.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from sqlalchemy import Engine, text

from cli.running.service import Servers, running_servers, settings_of
from db.engine import make_engine, make_sessions
from db.keeping.backup import write_backup
from db.keeping.forum_export import write_forum
from db.keeping.forum_import import read_forum
from db.keeping.restore import read_backup
from db.vectors import models, partitions
from db.vectors.rows import ModelKind

COUNT = 100_000
DIMENSION = 384
T = TypeVar("T")

_ROWS = (
    "INSERT INTO forums (name, title) VALUES ('large', 'Large')",
    """INSERT INTO questions (forum_id, external_id, title, body, author, text_fields, text_digest,
        content_digest, bi_encoder_id, checked_at)
    SELECT forums.id, n::text, 'How is thing ' || n || ' repaired when part ' || n % 97 || ' broke',
        repeat('It did so on the way home, nobody knows why. ', 1 + n % 12), 'by ' || n % 5000,
        'title_body', sha256(n::text::bytea), sha256(n::text::bytea), :model, now()
    FROM forums, generate_series(1, :count) n""",
    """INSERT INTO embeddings (model_id, question_id, forum_id, visible, text_digest, vector)
    SELECT :model, id, forum_id, true, text_digest,
        (SELECT array_agg(random() - 0.5)
            FROM generate_series(1, 384 + (questions.id % 1)::int))::halfvec
    FROM questions""",
    """INSERT INTO pairs (id, forum_id, low_id, high_id, kind, cosine, score, threshold,
        low_text_version, high_text_version, status, words, entry, useful)
    OVERRIDING SYSTEM VALUE
    SELECT low.id, low.forum_id, low.id, high.id, 'model', 0.9, 0.8, 0.7, 1, 1,
        CASE WHEN low.id % 3 = 0 THEN 'duplicate' ELSE 'flagged' END,
        to_tsvector('simple', low.title || ' ' || high.title), low.id, 1.0
    FROM questions low JOIN questions high ON high.id = low.id + 1 WHERE low.id % 2 = 0""",
    "SELECT setval(pg_get_serial_sequence('pairs', 'id'), max(id)) FROM pairs",
    """INSERT INTO events (forum_id, kind, pair_id, actor)
    SELECT forum_id, 'pair.flagged', id, 'worker' FROM pairs""",
)


def main() -> None:
    """Fill, back up, restore, move the forum, and print the time of each."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with running_servers() as servers, tempfile.TemporaryDirectory() as folder:
        _fill(servers, count)
        about = {"version": "bench", "settings": {}}
        whole, alone = Path(folder) / "backup.tar", Path(folder) / "large.forum"
        kept, backed_up_s = _written(
            whole, lambda target: write_backup(servers.engine, target, about=about)
        )
        _, exported_s = _written(
            alone, lambda target: write_forum(servers.engine, "large", target, about=about)
        )
        with _new_database(servers) as engine:
            (_, restored), restored_s = _read(whole, lambda source: read_backup(engine, source))
            _, imported_s = _read(alone, lambda source: read_forum(engine, source, name="other"))
            indexed_s = _indexed(engine)
            _, beside_s = _read(alone, lambda source: read_forum(engine, source, name="third"))
        if restored.rows != kept.rows:
            sys.exit(f"restored {restored.rows}, not {kept.rows}")
        size = whole.stat().st_size
    cells = {
        **{table: f"{kept.rows[table]:,}" for table in ("questions", "pairs")},
        "rows in all": f"{sum(kept.rows.values()):,}",
        "unpacked MB": f"{kept.size / 1e6:.0f}",
        "file MB": f"{size / 1e6:.0f}",
        "back up s": f"{backed_up_s:.1f}",
        "restore s": f"{restored_s:.1f}",
        "`forums export` s": f"{exported_s:.1f}",
        "`forums import` s": f"{imported_s:.1f}",
        f"index of {2 * count:,} vectors s": f"{indexed_s:.1f}",
        "`forums import` and that index anew s": f"{beside_s:.1f}",
    }
    print(f"| {' | '.join(cells)} |\n| {' | '.join('---' for _ in cells)} |")
    print(f"| {' | '.join(cells.values())} |")


def _written(file: Path, write: Callable[[BinaryIO], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    with file.open("wb") as target:
        return write(target), time.perf_counter() - begun


def _read(file: Path, read: Callable[[BinaryIO], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    with file.open("rb") as source:
        return read(source), time.perf_counter() - begun


def _indexed(engine: Engine) -> float:
    """Build the vector index of the model in use; return the seconds it took."""
    with make_sessions(engine).begin() as session:
        model = next(r for r in models.list_models(session) if r.kind is ModelKind.BI_ENCODER)
    begun = time.perf_counter()
    partitions.build_index(engine, model)
    return time.perf_counter() - begun


@contextmanager
def _new_database(servers: Servers) -> Iterator[Engine]:
    with servers.engine.connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        autocommit.exec_driver_sql("CREATE DATABASE restored")
    url = servers.engine.url.set(database="restored").render_as_string(hide_password=False)
    engine = make_engine(settings_of(url))
    yield engine
    engine.dispose()


def _fill(servers: Servers, count: int) -> None:
    with servers.sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        model = models.ensure_model(
            session, kind=ModelKind.BI_ENCODER, name="bench", digest="bench", dimension=DIMENSION
        )
        models.activate(session, model.id)
        partitions.ensure_partition(session, model, with_index=False)
        for statement in _ROWS:
            session.execute(text(statement), {"model": model.id, "count": count})


if __name__ == "__main__":
    main()
