"""The questions of each part of a file, so that the next archive of its name need not read it.

A part is recognised by a digest of its rows in the file, and of how they are read. Its questions
are unchanged if the digest of their content digests is the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Select, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.imports.incoming import Incoming, array_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPart:
    """What an earlier archive had of a part."""

    stored_digest: bytes
    """Digest of its questions' content digests, in their order."""
    odd: Sequence[int]
    """Places of the rows that are read alone each time: hidden, rejected, or not quite usable."""


def digest_of(items: Incoming) -> bytes:
    """Return the digest of what is stored of *items*."""
    contents = sorted(items.columns["content_digest"])  # type: ignore[type-var]  # none is null
    return hashlib.sha256(bytes.fromhex("".join(filter(None, contents)))).digest()


def earlier(session: Session, archive_id: int) -> Mapping[bytes, KnownPart]:
    """Return the parts of earlier archives of the same name, by digest."""
    same = _earlier(archive_id)
    rows = session.execute(select(ArchivePart).where(ArchivePart.archive_id.in_(same))).scalars()
    return {
        row.digest: KnownPart(
            stored_digest=row.stored_digest, odd=np.frombuffer(row.odd, "<i4").tolist()
        )
        for row in rows
    }


def note(session: Session, archive_id: int, digest: bytes, part: KnownPart) -> None:
    """Store what a part of an archive contained."""
    row = {
        "archive_id": archive_id,
        "digest": digest,
        "stored_digest": part.stored_digest,
        "odd": np.array(part.odd, "<i4").tobytes(),
    }
    session.execute(insert(ArchivePart).values(row).on_conflict_do_nothing())


def find_unchanged(
    session: Session, forum_id: int, names: Sequence[str], part: KnownPart, *, text_fields: str
) -> list[int] | None:
    """Return the questions *names* by id, if they are stored as *part* had them; otherwise None."""
    parameters = {"forum": forum_id, "names": array_of(names), "fields": text_fields}
    row = session.execute(text(_STORED), parameters).one()
    is_same = len(row.ids) == len(names) and row.is_read_so
    is_same = is_same and row.digest is not None and bytes(row.digest) == part.stored_digest
    return list(row.ids) if is_same else None


def forget_earlier(session: Session, archive_id: int) -> None:
    """Forget the parts of earlier archives of the same name."""
    same = _earlier(archive_id)
    session.execute(delete(ArchivePart).where(ArchivePart.archive_id.in_(same)))


def _earlier(archive_id: int) -> Select[int]:
    here = select(Archive.forum_id, Archive.name).where(Archive.id == archive_id).subquery()
    return select(Archive.id).where(
        Archive.forum_id == here.c.forum_id, Archive.name == here.c.name, Archive.id < archive_id
    )
