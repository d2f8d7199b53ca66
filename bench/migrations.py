"""Measures migrations of a large forum while clients write: their time, and whom they block.

``python -m bench.migrations --old FOLDER``: FOLDER is a checkout of an older version. A database
with its schema is filled with made-up pairs and migrated to the newest schema. Meanwhile one client
stores questions and pairs, one decides, and one reads the queue, with the statements of the older
version.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from sqlalchemy import Engine, text

from cli.running.service import held_servers, settings_of
from db import schema
from db.engine import make_engine

_PAIRS_EACH = 5
_UPGRADE = """
import sys
sys.path[:0] = [sys.argv[2]]  # before any package that is installed as editable
from db import schema
from sqlalchemy import create_engine
schema.upgrade(create_engine(sys.argv[1]))
"""
_FILL = """
    SET session_replication_role = replica;
    INSERT INTO forums (name, title) VALUES ('large', 'Large');
    INSERT INTO questions (forum_id, external_id, title, text_fields, text_digest, content_digest)
    SELECT f.id, 'q' || n, 'How do I repair part ' || n || ' of my bicycle?', 'title',
        sha256(n::text::bytea), sha256(n::text::bytea)
    FROM forums f, generate_series(1, {questions}) n;
    INSERT INTO pairs (forum_id, low_id, high_id, kind, cosine, score, threshold, low_text_version,
        high_text_version, status, words, entry, useful, flagged_at, decided_at)
    SELECT q.forum_id, q.id, q.id + k, 'model', 0.8, 0.5 + (q.id % 50) / 100.0, 0.5, 1, 1,
        CASE WHEN (q.id + k) % 20 = 0 THEN 'flagged' WHEN k = 1 THEN 'duplicate'
        ELSE 'not_duplicate' END,
        to_tsvector('simple', q.title), NULL, 0.5, now() - q.id * interval '1 s',
        CASE WHEN (q.id + k) % 20 = 0 THEN NULL ELSE now() END
    FROM questions q, generate_series(1, {each}) k
    WHERE q.id + k <= (SELECT max(id) FROM questions);
    INSERT INTO events (forum_id, kind, pair_id, actor)
    SELECT forum_id, 'pair.flagged', id, 'worker' FROM pairs;
    ANALYZE;
"""
_STORE = """
    WITH q AS (INSERT INTO questions (forum_id, external_id, title, text_fields, text_digest,
        content_digest) SELECT id, gen_random_uuid()::text, 'Why so?', 'title', '\\x01', '\\x01'
        FROM forums WHERE name = 'large' RETURNING id, forum_id)
    INSERT INTO pairs (forum_id, low_id, high_id, kind, score, threshold, low_text_version,
        high_text_version, status)
    SELECT forum_id, (SELECT min(id) FROM questions), id, 'model', 0.9, 0.5, 1, 1, 'flagged' FROM q
"""
_DECIDE = """
    UPDATE pairs SET status = 'related', decided_at = now(), version = version + 1 WHERE id =
        (SELECT id FROM pairs WHERE status = 'flagged' ORDER BY id DESC LIMIT 1)
"""
_READ = "SELECT id FROM pairs WHERE status = 'flagged' ORDER BY forum_id, score DESC LIMIT 50"
_CLIENTS = {"store": _STORE, "decide": _DECIDE, "read": _READ}


@dataclass(slots=True)
class Waited:
    """The times and errors of one client's calls."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def others(url: str) -> Iterator[dict[str, Waited]]:
    """Run the clients during the block."""
    is_over = threading.Event()
    waited = {name: Waited() for name in _CLIENTS}

    def work(name: str) -> None:
        engine = make_engine(settings_of(url))
        while not is_over.wait(0.05):
            begun = time.perf_counter()
            try:
                with engine.begin() as connection:
                    connection.exec_driver_sql(_CLIENTS[name])
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told
                waited[name].errors.append(str(error).splitlines()[0])
            waited[name].seconds.append(time.perf_counter() - begun)
        engine.dispose()

    threads = [threading.Thread(target=work, args=(name,)) for name in _CLIENTS]
    for thread in threads:
        thread.start()
    try:
        yield waited
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@contextmanager
def steps(url: str) -> Iterator[dict[str, float]]:
    """Note the time at which each migration is done, as the database shows it."""
    is_over = threading.Event()
    seen: dict[str, float] = {}
    engine = make_engine(settings_of(url))

    def look() -> None:
        while not is_over.wait(0.1):
            with engine.begin() as connection:
                now = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
                seen.setdefault(str(now.scalar_one()), time.perf_counter())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
        engine.dispose()


def fill(url: str, old: Path, pairs: int) -> None:
    """Create the older version's schema, and a forum with this many pairs."""
    command = [sys.executable, "-P", "-c", _UPGRADE, url, str(old)]
    subprocess.run(command, cwd=old, env={**os.environ, "PYTHONPATH": str(old)}, check=True)  # noqa: TID251
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(questions=pairs // _PAIRS_EACH + 1, each=_PAIRS_EACH))
    connection.close()


def upgrade(engine: Engine, url: str) -> None:
    """Migrate the database to the newest schema, and print the table."""
    with others(url) as waited, steps(url) as seen:
        time.sleep(5)
        before = {name: max(one.seconds) for name, one in waited.items()}
        for one in waited.values():
            one.seconds.clear()
        begun, cpu = time.perf_counter(), time.process_time()
        schema.upgrade(engine, say=print)
        took = time.perf_counter() - begun
        time.sleep(0.3)
    print(f"\n| from {min(seen)} to {max(seen)} | {took:.0f} s |\n| --- | --- |")
    last = begun
    for version, at in sorted(seen.items())[1:]:
        print(f"| {version} | {at - last:.1f} s |")
        last = at
    for name, one in waited.items():
        print(
            f"| longest {name} meanwhile (before: {before[name]:.2f} s) | {max(one.seconds):.2f} s,"
            f" {len(one.errors)} errors |"
        )
        print("\n".join(sorted(set(one.errors))[:5]))
    print(f"processor time of this process: {time.process_time() - cpu:.1f} s", file=sys.stderr)


def main() -> None:
    """Fill an old database and migrate it."""
    parser = argparse.ArgumentParser(prog="python -m bench.migrations", description=__doc__)
    parser.add_argument("--old", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder,
        held_servers(Path(folder)) as (_, running),
    ):
        fill(running.database_url, given.old.resolve(), given.pairs)
        engine = make_engine(settings_of(running.database_url))
        with engine.begin() as connection:
            rows = connection.execute(text("SELECT count(*) FROM pairs")).scalar_one()
        print(f"{rows:,} pairs")
        upgrade(engine, running.database_url)
        engine.dispose()


if __name__ == "__main__":
    main()
