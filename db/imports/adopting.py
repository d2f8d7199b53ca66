"""Takes over questions that another reading of the same file stored and did not search.

A client sends a file again if it got no answer. Then two processes may read the same rows, and each
finds unchanged what the other has stored. Either may still fail.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.imports import sightings

_STEP = 10_000
# Also questions of an archive that is being read: its reader may be dead, which shows a minute
# later. If it lives, and this archive fails, it takes its questions back when its reading ends.
_UNSEARCHED = """
    SELECT q.id FROM questions q JOIN archives a ON a.id = q.archive_id
    WHERE q.id = ANY (:ids) AND q.checked_at IS NULL AND a.id <> :archive
      AND q.forum_id = (SELECT forum_id FROM archives WHERE id = :archive)
      AND (a.state IN ('cancelled', 'failed', 'done') OR a.stage = 'load')
"""
_OTHERS = """
    SELECT o.id FROM archives o JOIN archives own ON own.forum_id = o.forum_id
    WHERE own.id = :archive AND o.id <> :archive
      AND (o.state IN ('cancelled', 'failed', 'done') OR o.stage = 'load')
"""
_HAS_ANY = f"""
    SELECT EXISTS ({_OTHERS}) AND EXISTS (
        SELECT FROM questions
        WHERE forum_id = (SELECT forum_id FROM archives WHERE id = :archive)
          AND checked_at IS NULL AND archive_id = ANY (ARRAY ({_OTHERS}))
    )
"""  # noqa: S608  # statements of our own
_ADOPT = f"""
    UPDATE questions SET archive_id = :archive
    WHERE id IN ({_UNSEARCHED} ORDER BY q.id FOR NO KEY UPDATE OF q)
"""  # noqa: S608  # statements of our own


def unsearched(session: Session, archive_id: int) -> list[int]:
    """Return the questions that an archive has seen and that perhaps nobody will search, by id.

    Those belong to archives that have ended, or that are not read to their end.
    """
    found: list[int] = []
    if not session.execute(text(_HAS_ANY), {"archive": archive_id}).scalar_one():
        return found  # as nearly always: then no question need be looked at
    for ids in _steps(sightings.seen(session, archive_id)):
        found += session.execute(text(_UNSEARCHED), {"ids": ids, "archive": archive_id}).scalars()
    return found


def adopt(session: Session, archive_id: int, ids: Sequence[int]) -> None:
    """Have these questions searched by an archive, as far as that is still needed.

    Call it in the transaction that ends the reading: an archive that fails before must own only
    what it stored. Otherwise questions of an archive that was read to its end stay unsearched.
    """
    for part in _steps(ids):
        session.execute(text(_ADOPT), {"ids": part, "archive": archive_id})


def _steps(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _STEP):
        yield list(ids[start : start + _STEP])
