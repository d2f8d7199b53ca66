"""Compares an exact scan with an index: the speed by the forum's size, and what the index misses.

``python -m bench.search`` fills one table with made-up vectors of 384 half-precision numbers, in
clusters like those of questions, in forums of several sizes. It prints a Markdown table, from which
`EXACT_LIMIT` was chosen.
"""

import time

import numpy as np
from numpy.typing import NDArray

from cli.running.service import running_servers
from db.engine import Sessions
from db.questions import questions, saving
from db.questions.rows import NewQuestion
from db.tenants import forums
from db.tenants.rows import ForumRow
from db.vectors import embeddings, models, partitions
from db.vectors.rows import ModelKind, ModelRow, NewEmbedding
from db.work.rows import Lane

SIZES = (500, 1_000, 2_000, 5_000, 10_000, 20_000)
DIMENSION = 384
ASKED = 64
TOP = 100


def _vectors(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    centres = random.normal(size=(max(count // 20, 1), DIMENSION)).astype(np.float32)
    noise = random.normal(size=(count, DIMENSION)).astype(np.float32)
    vectors = centres[random.integers(len(centres), size=count)] + 0.9 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _fill(sessions: Sessions, model: ModelRow, size: int, random: np.random.Generator) -> ForumRow:
    with sessions.begin() as session:
        forum = forums.ensure_forum(session, f"forum-{size}")
    vectors = _vectors(size, random)
    for start in range(0, size, 1_000):
        chunk = range(start, min(start + 1_000, size))
        items = [
            NewQuestion(
                external_id=str(n),
                title=f"question {n}",
                text_fields="title",
                text_digest=b"%d" % n,
                content_digest=b"",
                foreign_share=0.0,
                tokens=4,
            )
            for n in chunk
        ]
        with sessions.begin() as session:
            saved = saving.save(session, forum, items, lane=Lane.LIVE)
            rows = [
                NewEmbedding(
                    question_id=one.id,
                    forum_id=forum.id,
                    text_digest=b"%d" % n,
                    vector=vectors[n],
                )
                for one, n in zip(saved, chunk, strict=True)
            ]
            embeddings.save(session, model.id, rows)
    return forum


def _measure(sessions: Sessions, model: ModelRow, forum: ForumRow) -> tuple[float, float, float]:
    with sessions.begin() as session:
        numbers = [str(n) for n in range(ASKED)]
        asked = [questions.get(session, forum.id, number).id for number in numbers]
    results, seconds = [], []
    for limit in (10**9, 0):
        embeddings.EXACT_LIMIT = limit
        with sessions.begin() as session:
            embeddings.nearest(session, model, forum.id, asked[:8], limit=TOP)
            begun = time.perf_counter()
            results.append(embeddings.nearest(session, model, forum.id, asked, limit=TOP))
            seconds.append((time.perf_counter() - begun) / len(asked) * 1_000)
    exact, indexed = results
    hits = sum(len({c.id for c in exact[n]} & {c.id for c in indexed[n]}) for n in asked)
    return seconds[0], seconds[1], hits / sum(len(exact[n]) for n in asked)


def main() -> None:
    """Print the table."""
    random = np.random.default_rng(7)
    with running_servers() as servers:
        sessions = servers.sessions
        with sessions.begin() as session:
            model = models.ensure_model(
                session,
                kind=ModelKind.BI_ENCODER,
                name="made-up",
                digest="made-up",
                dimension=DIMENSION,
            )
            partitions.ensure_partition(session, model, with_index=False)
        made = [_fill(sessions, model, size, random) for size in SIZES]
        partitions.build_index(servers.engine, model)
        with servers.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        print("| vectors of the forum | exact, ms a question | index, ms | index' recall@100 |")
        print("| ---: | ---: | ---: | ---: |")
        for size, forum in zip(SIZES, made, strict=True):
            exact, indexed, recall = _measure(sessions, model, forum)
            print(f"| {size:,} | {exact:.1f} | {indexed:.1f} | {recall:.3f} |", flush=True)


if __name__ == "__main__":
    main()
