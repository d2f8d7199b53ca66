"""Which questions each archive has seen, so that the next one of its name shows which are gone.

The ids of a batch are one row, written with the batch: an interrupted import that continues has
also seen the questions of its first run. Only the newest complete archive of a name keeps its rows.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.packed_ids import Ids, in_order, of_eight_bytes, packed, unpacked
from db.tables.archives import Archive, ArchiveSighting
from db.tables.questions import Question

_CAME = """
    SELECT coalesce(string_agg(int8send(id), ''), '') FROM questions
    WHERE forum_id = :forum AND archive_id = ANY (:ids)
"""
_STORED = """
    SELECT coalesce(string_agg(int8send(id), ''), '') FROM questions
    WHERE forum_id = :forum AND id = ANY (:ids)
"""
_GONE = -1
"""Position of the row with the questions that are gone."""


def note(session: Session, archive_id: int, position: int, ids: Iterable[int] | Ids) -> None:
    """Note that an archive has these questions, met up to *position*."""
    _save(session, archive_id, position, in_order(ids))


def _save(session: Session, archive_id: int, position: int, ids: Ids) -> None:
    held = packed(ids)
    row = {"archive_id": archive_id, "position": position, "question_ids": held}
    statement = insert(ArchiveSighting).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["archive_id", "position"], set_={"question_ids": held}
        )
    )


def _of(session: Session, archive_id: int, *, gone: bool = False) -> Ids:
    is_gone = ArchiveSighting.position == _GONE
    found = session.execute(
        select(ArchiveSighting.question_ids).where(
            ArchiveSighting.archive_id == archive_id, is_gone if gone else ~is_gone
        )
    )
    parts = [unpacked(held) for held in found.scalars()]
    return in_order(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def settle(session: Session, forum_id: int, archive_id: int) -> tuple[int, int]:
    """Find which questions are gone, and return how many, and of how many.

    A question is gone if it came with an earlier archive of this name, or was in the last complete
    one, and is not in this one, which was read to its end.
    """
    before = _earlier(session, forum_id, archive_id)
    gone = np.setdiff1d(before, _of(session, archive_id), assume_unique=True)
    _save(session, archive_id, _GONE, gone)
    return len(gone), len(before)


def _earlier(session: Session, forum_id: int, archive_id: int) -> Ids:
    name = select(Archive.name).where(Archive.id == archive_id).scalar_subquery()
    same = session.execute(
        select(Archive.id)
        .where(Archive.forum_id == forum_id, Archive.name == name, Archive.id != archive_id)
        .order_by(Archive.id.desc())
    )
    others = list(same.scalars())
    if not others:
        return np.zeros(0, np.int64)
    seen = select(ArchiveSighting.archive_id).join(
        Archive, Archive.id == ArchiveSighting.archive_id
    )
    complete = seen.where(ArchiveSighting.archive_id.in_(others), Archive.loaded_at.is_not(None))
    last = session.execute(
        complete.order_by(ArchiveSighting.archive_id.desc()).limit(1)
    ).scalar_one_or_none()
    came = in_order(_ids(session, _CAME, forum=forum_id, ids=others))
    if last is None:
        return came
    seen_last = np.setdiff1d(_of(session, last), came, assume_unique=True)  # mostly none
    stored = [
        _ids(session, _STORED, forum=forum_id, ids=seen_last[start : start + _STEP].tolist())
        for start in range(0, len(seen_last), _STEP)
    ]
    return in_order(np.concatenate([came, *stored]))


def _ids(session: Session, statement: str, **parameters: object) -> Ids:
    return of_eight_bytes(session.execute(text(statement), parameters).scalar_one())


_STEP = 10_000


def gone(
    session: Session, forum_id: int, archive_id: int, *, after: int = 0, limit: int = 100
) -> list[tuple[int, str]]:
    """Return stored questions that are not in this archive any more, by id, with their ids.

    Only those after the question *after*.
    """
    ids = _of(session, archive_id, gone=True)
    ids = ids[np.searchsorted(ids, after, side="right") :]
    found: list[tuple[int, str]] = []
    for start in range(0, len(ids), _STEP):
        rows = session.execute(
            select(Question.id, Question.external_id)
            .where(
                Question.forum_id == forum_id,
                Question.id.in_(ids[start : start + _STEP].tolist()),
            )
            .order_by(Question.id)
            .limit(limit - len(found))
        )
        found += [(row.id, row.external_id) for row in rows]
        if len(found) >= limit:
            break
    return found


def forget_earlier(session: Session, forum_id: int, archive_id: int) -> None:
    """Forget what earlier archives of the same name have seen."""
    name = select(Archive.name).where(Archive.id == archive_id).scalar_subquery()
    same = select(Archive.id).where(
        Archive.forum_id == forum_id, Archive.name == name, Archive.id < archive_id
    )
    session.execute(delete(ArchiveSighting).where(ArchiveSighting.archive_id.in_(same)))


def drop(session: Session, archive_id: int) -> None:
    """Forget what an archive has seen, because it has only a part of its source."""
    session.execute(delete(ArchiveSighting).where(ArchiveSighting.archive_id == archive_id))


def seen(session: Session, archive_id: int) -> Sequence[int]:
    """Return the questions that an archive has, by id."""
    return [int(one) for one in _of(session, archive_id)]
