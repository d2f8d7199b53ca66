"""Digests of erased ids, and the version from which an erased question may come back.

Nothing readable is kept of an erased question: the digest only shows whether an id that is sent is
the same.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.questions.rows import NewQuestion
from db.tables.questions import ErasedQuestion, Question


def is_older(item: NewQuestion, *, edited_at: datetime | None, revision: int | None) -> bool:
    """Return whether *item* is certainly older than a question with this version.

    If both have a revision, these are compared; otherwise the dates, if both have one.
    """
    if item.revision is not None and revision is not None:
        return item.revision < revision
    return item.edited_at is not None and edited_at is not None and item.edited_at < edited_at


def note(
    session: Session,
    forum_id: int,
    external_id: str,
    *,
    edited_at: datetime | None = None,
    revision: int | None = None,
) -> None:
    """Note that the forum erased a question, after the version that is given, if any."""
    new = insert(ErasedQuestion).values(
        forum_id=forum_id,
        id_digest=digest_of(external_id),
        edited_at=edited_at,
        revision=revision,
        erased_at=func.clock_timestamp(),
    )
    changes = {name: new.excluded[name] for name in ("edited_at", "revision", "erased_at")}
    statement = new.on_conflict_do_update(index_elements=["forum_id", "id_digest"], set_=changes)
    session.execute(statement)


def digest_of(external_id: str) -> bytes:
    """Return the digest that is kept of an erased question's id."""
    return hashlib.sha256(external_id.encode()).digest()


def newer(session: Session, forum_id: int, items: Sequence[NewQuestion]) -> set[str]:
    """Return the ids of the items that were erased after their version.

    An item without a version is not among them: its sender wants it stored.
    """
    versioned = [one for one in items if one.edited_at is not None or one.revision is not None]
    if not versioned:
        return set()
    erased = _erased(session, forum_id, [one.external_id for one in versioned])
    return {
        one.external_id
        for one in versioned
        if (row := erased.get(digest_of(one.external_id))) is not None and not _is_after(one, row)
    }


def _erased(
    session: Session, forum_id: int, external_ids: Collection[str]
) -> dict[bytes, ErasedQuestion]:
    known = select(func.sha256(func.convert_to(Question.external_id, "UTF8"))).where(
        Question.forum_id == forum_id, Question.external_id.in_(external_ids)
    )
    found = session.execute(
        select(ErasedQuestion).where(
            ErasedQuestion.forum_id == forum_id,
            ErasedQuestion.id_digest.in_([digest_of(one) for one in external_ids]),
            ErasedQuestion.id_digest.not_in(known),
        )
    )
    return {bytes(row.id_digest): row for row in found.scalars()}


def _is_after(item: NewQuestion, row: ErasedQuestion) -> bool:
    if item.revision is not None and row.revision is not None:
        return item.revision > row.revision
    edited_at = item.edited_at or datetime.min.replace(tzinfo=UTC)
    return edited_at > (row.edited_at or row.erased_at)
