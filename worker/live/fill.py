"""Embeds every stored question with a new model, beside the vectors in use."""

from collections.abc import Callable

from db.engine import Sessions
from db.vectors import embeddings
from db.vectors.rows import ModelRow
from worker.inference.encoder import Encoder
from worker.matching.vectors import embed

_BATCH = 512


def fill(
    sessions: Sessions, encoder: Encoder, model: ModelRow, *, on_done: Callable[[int], None]
) -> int:
    """Embed the questions that have no vector of *model* yet, and return how many.

    This can be interrupted and run again: no question is embedded twice.
    """
    total = after = 0
    while True:
        with sessions.begin() as session:
            rows = embeddings.unembedded(session, model.id, after=after, limit=_BATCH)
        if not rows:
            return total
        after = rows[-1].id
        embed(sessions, encoder, model.id, rows)
        total += len(rows)
        on_done(len(rows))
