"""What the units of an archive have found: near pairs of its tiles, bars and histograms."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select, true, update
from sqlalchemy.orm import Session

from db.archives.archives import Stage
from db.tables.archives import ArchiveUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Two blocks that are compared, and how many near pairs were found."""

    place: int
    other: int
    low_id: int
    high_id: int
    other_low_id: int
    other_high_id: int
    found: int


_HAS_RESULT = ArchiveUnit.payload.is_not(None), ArchiveUnit.done_at.is_not(None)
"""Until a unit is done, its payload is what it needs, not what it has found."""


def histogram(session: Session, archive_id: int) -> list[int]:
    """Return the sum of the reranked pairs' histograms."""
    rows = session.execute(
        select(ArchiveUnit.histogram).where(
            ArchiveUnit.archive_id == archive_id,
            ArchiveUnit.stage == Stage.RERANK,
            ArchiveUnit.done_at.is_not(None),
        )
    ).scalars()
    return [sum(column) for column in zip(*(row for row in rows if row), strict=True)]


def tiles(session: Session, archive_id: int) -> list[Tile]:
    """Return the archive's tiles."""
    columns = [getattr(ArchiveUnit, name) for name in Tile.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(ArchiveUnit.archive_id == archive_id, ArchiveUnit.stage == Stage.SEARCH)
        .order_by(ArchiveUnit.id)
    )
    return [Tile(**row) for row in rows.mappings()]


def payloads(session: Session, archive_id: int, stage: Stage, place: int) -> Iterator[bytes]:
    """Yield the payloads of the tiles with the block *place*."""
    found = session.execute(
        select(ArchiveUnit.payload)
        .where(
            ArchiveUnit.archive_id == archive_id,
            ArchiveUnit.stage == stage,
            *_HAS_RESULT,
            or_(ArchiveUnit.place == place, ArchiveUnit.other == place),
        )
        .execution_options(yield_per=8)
    )
    for (payload,) in found:
        yield bytes(payload or b"")


def payload(session: Session, archive_id: int, stage: Stage, place: int) -> bytes:
    """Return the payload of the unit of this block, or no bytes."""
    where = _column(archive_id, stage, place, place)
    found = session.execute(select(ArchiveUnit.payload).where(*where)).scalar_one_or_none()
    return bytes(found or b"")


def column(
    session: Session, archive_id: int, stage: Stage, other: int, *, only: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """Yield ``(place, payload)`` of the tiles whose second block is *other*.

    With *only* just the tile with this first block.
    """
    found = session.execute(
        select(ArchiveUnit.place, ArchiveUnit.payload)
        .where(*_column(archive_id, stage, other, only), *_HAS_RESULT)
        .order_by(ArchiveUnit.place)
        .execution_options(yield_per=8)
    )
    for place, payload in found:
        yield place, bytes(payload or b"")


def drop_column(
    session: Session, archive_id: int, stage: Stage, other: int, *, only: int | None = None
) -> None:
    """Delete the payloads that `column` yields."""
    where = _column(archive_id, stage, other, only)
    session.execute(update(ArchiveUnit).where(*where).values(payload=None))


def _column(
    archive_id: int, stage: Stage, other: int, only: int | None
) -> tuple[ColumnElement[bool], ...]:
    return (
        ArchiveUnit.archive_id == archive_id,
        ArchiveUnit.stage == stage,
        ArchiveUnit.other == other,
        true() if only is None else ArchiveUnit.place == only,
    )
