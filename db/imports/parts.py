"""The questions of each part of a file, so that the next archive of its name need not read it.

A part is recognised by a digest of its rows in the file, and of how they are read. Its questions
are unchanged if none of them was written since, or if the digest of their content digests is the
same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Select, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.arrays import array_of
from db.imports.incoming import Incoming
from db.packed_ids import Ids, in_order, of_eight_bytes, packed, unpacked
from db.tables.archives import Archive, ArchivePart

_STORED = """
    SELECT coalesce(array_agg(id), '{}') AS ids,
        sha256(string_agg(content_digest, '' ORDER BY content_digest)) AS digest,
        coalesce(bool_and(text_fields = :fields), true) AS is_read_so
    FROM unnest(CAST(:names AS text[])) AS i(name) CROSS JOIN LATERAL (
        SELECT id, content_digest, text_fields FROM questions
        WHERE forum_id = :forum AND external_id = i.name OFFSET 0
    ) q
"""


# A question that was made and not edited since has the same moment twice. The hour is for those who
# edit at that time: their moment is older than what others can see of it.
_UNTOUCHED = """
    SELECT coalesce(string_agg(int8send(id), ''), '') FROM questions
    WHERE forum_id = (SELECT forum_id FROM archives WHERE id = :archive)
      AND id BETWEEN :first AND :last
      AND (updated_at = created_at OR updated_at < :begun - interval '1 hour')
"""
_MOST_OTHERS = 4
"""Ids that are spread over more numbers than so many times their count are looked up by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPart:
    """What an earlier archive had of a part."""

    stored_digest: bytes
    """Digest of its questions' content digests, in their order."""
    odd: Sequence[int]
    """Places of the rows that are read alone each time: hidden, rejected, or not quite usable."""
    question_ids: Ids | None = field(default=None, compare=False)
    """Its questions in order, if they are known and none of them was written since."""


def digest_of(items: Incoming) -> bytes:
    """Return the digest of what is stored of *items*."""
    contents = sorted(items.columns["content_digest"])  # type: ignore[type-var]  # none is null
    return hashlib.sha256(bytes.fromhex("".join(filter(None, contents)))).digest()


def earlier(session: Session, archive_id: int) -> Mapping[bytes, KnownPart]:
    """Return the parts of earlier archives of the same name, by digest."""
    same = _earlier(archive_id)
    rows = session.execute(select(ArchivePart).where(ArchivePart.archive_id.in_(same))).scalars()
    held = list(rows)
    untouched = _untouched(session, archive_id, [row for row in held if row.question_ids])
    return {
        row.digest: KnownPart(
            stored_digest=row.stored_digest,
            odd=np.frombuffer(row.odd, "<i4").tolist(),
            question_ids=_if_among(untouched, row.question_ids),
        )
        for row in held
    }


def _untouched(session: Session, archive_id: int, held: Sequence[ArchivePart]) -> Ids:
    """Return the questions of *held* that nobody has written since, in order."""
    nothing = np.zeros(0, np.int64)
    ids = in_order(np.concatenate([nothing, *(unpacked(row.question_ids or b"") for row in held)]))
    if not len(ids) or ids[-1] - ids[0] > _MOST_OTHERS * len(ids):
        return nothing
    begun = select(func.min(Archive.created_at)).where(
        Archive.id.in_({row.archive_id for row in held})
    )
    found = session.execute(
        text(_UNTOUCHED),
        {
            "archive": archive_id,
            "first": int(ids[0]),
            "last": int(ids[-1]),
            "begun": session.execute(begun).scalar_one(),
        },
    )
    return np.sort(of_eight_bytes(found.scalar_one()))


def _if_among(untouched: Ids, held: bytes | None) -> Ids | None:
    """Return the ids of *held* if all of them are *untouched*."""
    if not held or not len(untouched):
        return None
    ids = unpacked(held)
    places = np.minimum(np.searchsorted(untouched, ids), len(untouched) - 1)
    return ids if bool((untouched[places] == ids).all()) else None


def note(session: Session, archive_id: int, digest: bytes, part: KnownPart) -> None:
    """Store what a part of an archive contained."""
    row = {
        "archive_id": archive_id,
        "digest": digest,
        "stored_digest": part.stored_digest,
        "odd": np.array(part.odd, "<i4").tobytes(),
        "question_ids": None if part.question_ids is None else packed(part.question_ids),
    }
    session.execute(insert(ArchivePart).values(row).on_conflict_do_nothing())


def find_unchanged(
    session: Session, forum_id: int, names: Sequence[str], part: KnownPart, *, text_fields: str
) -> Ids | None:
    """Return the questions *names* by id, if they are stored as *part* had them; otherwise None."""
    parameters = {"forum": forum_id, "names": array_of(names), "fields": text_fields}
    row = session.execute(text(_STORED), parameters).one()
    is_same = len(row.ids) == len(names) and row.is_read_so
    is_same = is_same and row.digest is not None and bytes(row.digest) == part.stored_digest
    return in_order(row.ids) if is_same else None


def forget_earlier(session: Session, archive_id: int) -> None:
    """Forget the parts of earlier archives of the same name."""
    same = _earlier(archive_id)
    session.execute(delete(ArchivePart).where(ArchivePart.archive_id.in_(same)))


def _earlier(archive_id: int) -> Select[int]:
    here = select(Archive.forum_id, Archive.name).where(Archive.id == archive_id).subquery()
    return select(Archive.id).where(
        Archive.forum_id == here.c.forum_id, Archive.name == here.c.name, Archive.id < archive_id
    )
