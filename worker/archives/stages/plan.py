"""Plans the next stage of an archive when the present one is done."""

from sqlalchemy.orm import Session

from db.archives import blocks as archive_blocks
from db.archives import results
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, Stage
from db.archives.blocks import Compared
from db.archives.units import NewUnit
from worker.text.normal import FOREIGN_LIMIT

EMBED_STEP = 1_000
_FINISH_STEP = 5_000
_ORDER = list(Stage)


def plan_next(session: Session, archive: ArchiveRow, model_id: int, *, block: int) -> Stage:
    """Plan the stage after the archive's present one and return it.

    The tiles are planned when all vectors are committed. The search of a question that comes later
    finds the archive's vectors, so no pair is missed.
    """
    stage = _ORDER[_ORDER.index(archive.stage) + 1]
    match stage:
        case Stage.EMBED:
            _plan_ranges(session, archive, stage, step=EMBED_STEP)
        case Stage.SEARCH:
            _plan_tiles(session, archive, model_id, block=block)
        case Stage.RANK:
            _plan_ranks(session, archive)
        case Stage.CUT:  # its units plan those of the rerank
            _plan_cuts(session, archive)
        case Stage.FINISH:
            _plan_ranges(session, archive, stage, step=_FINISH_STEP)
    return stage


def compared(archive: ArchiveRow, model_id: int) -> Compared:
    """Return which questions are compared with the archive's: all of its forum."""
    return Compared(
        archive=archive.id, forum=archive.forum_id, model=model_id, foreign=FOREIGN_LIMIT
    )


def _plan_ranges(session: Session, archive: ArchiveRow, stage: Stage, *, step: int) -> None:
    ranges = archive_blocks.id_ranges(session, archive.id, step=step)
    units = [NewUnit(stage=stage, size=n, low_id=low, high_id=high) for low, high, n in ranges]
    archive_units.plan(session, archive.id, units)


def _plan_tiles(session: Session, archive: ArchiveRow, model_id: int, *, block: int) -> None:
    blocks = archive_blocks.blocks(session, compared(archive, model_id), step=block)
    units = [
        NewUnit(
            stage=Stage.SEARCH,
            size=one.count * (one.count - 1) // 2 if a == b else one.count * two.count,
            place=a,
            other=b,
            low_id=one.low_id,
            high_id=one.high_id,
            other_low_id=two.low_id,
            other_high_id=two.high_id,
        )
        for a, one in enumerate(blocks)
        for b, two in enumerate(blocks[a:], start=a)
        if one.ours or two.ours
    ]
    archive_units.plan(session, archive.id, units)


def _plan_ranks(session: Session, archive: ArchiveRow) -> None:
    bounds: dict[int, tuple[int, int]] = {}
    for tile in results.tiles(session, archive.id):
        if tile.found:
            bounds[tile.place] = (tile.low_id, tile.high_id)
            bounds[tile.other] = (tile.other_low_id, tile.other_high_id)
    units = [
        NewUnit(stage=Stage.RANK, size=1, place=one, other=one, low_id=low, high_id=high)
        for one, (low, high) in sorted(bounds.items())
    ]
    archive_units.plan(session, archive.id, units)


def _plan_cuts(session: Session, archive: ArchiveRow) -> None:
    """Plan a unit for each block: it has the pairs of the block's questions with earlier ones."""
    found: dict[tuple[int, int, int], int] = {}
    for tile in results.tiles(session, archive.id):
        block = tile.other, tile.other_low_id, tile.other_high_id
        found[block] = found.get(block, 0) + tile.found
    units = [
        NewUnit(stage=Stage.CUT, size=count, place=one, other=one, low_id=low, high_id=high)
        for (one, low, high), count in sorted(found.items())
        if count
    ]
    archive_units.plan(session, archive.id, units)
