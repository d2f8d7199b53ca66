"""Queries on archives: progress, pausing, cancelling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.outbox.events import NewEvent, record
from db.tables.archives import Archive, ArchiveUnit

REJECTS_KEPT = 100
_NO_COUNTS: Mapping[str, int] = MappingProxyType({})


class Stage(StrEnum):
    """The stages of the work on an archive, in this order."""

    LOAD = "load"
    LINK = "link"
    """The forum's own duplicates become confirmed pairs."""
    EMBED = "embed"
    """Vectors, and pairs of the same text."""
    SEARCH = "search"
    RANK = "rank"
    """How near the nearest of a crowded question are."""
    CUT = "cut"
    RERANK = "rerank"
    FINISH = "finish"
    DONE = "done"


class ArchiveState(StrEnum):
    """Whether an archive is being worked on."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """Its file could not be read to the end; ``error`` says why."""
    DONE = "done"


_ENDED = frozenset({ArchiveState.CANCELLED, ArchiveState.FAILED, ArchiveState.DONE})


class ArchiveNotFoundError(NotFoundError):
    """There is no such archive, or this key may not see it."""

    def __init__(self, archive_id: int) -> None:
        super().__init__(f"there is no archive {archive_id}, or this key may not see it")


class ArchiveEndedError(ConflictError):
    """The archive has ended already."""

    def __init__(self, archive_id: int, state: str) -> None:
        super().__init__(f"archive {archive_id} is {state} already")


class ArchiveUnreadError(ConflictError):
    """Nobody reads the archive's file any more."""

    def __init__(self, archive_id: int) -> None:
        super().__init__(
            f"archive {archive_id} cannot be resumed: its file was not read to the end."
            " Send it again: questions that are stored already are skipped"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRow:
    """An archive and its progress."""

    id: int
    forum_id: int
    name: str
    form: str
    stage: Stage
    state: ArchiveState
    error: str | None
    position: int
    created: int
    changed: int
    unchanged: int
    rejected: int
    rejects: Sequence[Mapping[str, Any]]
    counts: Mapping[str, int]
    """Further counts by name, such as `hidden`."""
    top_k: int
    fingerprint: str | None
    bi_encoder_id: int | None
    reranker_id: int | None
    threshold: float | None
    created_at: datetime
    loaded_at: datetime | None
    finished_at: datetime | None


def _row(archive: Archive) -> ArchiveRow:
    values = {name: getattr(archive, name) for name in ArchiveRow.__dataclass_fields__}
    return ArchiveRow(
        **values | {"stage": Stage(archive.stage), "state": ArchiveState(archive.state)}
    )


def create(session: Session, forum_id: int, *, name: str, form: str, top_k: int) -> ArchiveRow:
    """Return a new archive whose file is being read."""
    archive = Archive(
        forum_id=forum_id,
        name=name,
        form=form,
        top_k=top_k,
        attended_at=func.clock_timestamp(),
    )
    session.add(archive)
    session.flush()
    session.refresh(archive)
    return _row(archive)


def get(session: Session, archive_id: int, *, lock: bool = False) -> ArchiveRow:
    """Return the archive; raises `ArchiveNotFoundError`."""
    archive = session.get(Archive, archive_id, with_for_update=lock or None, populate_existing=True)
    if archive is None:
        raise ArchiveNotFoundError(archive_id)
    return _row(archive)


def list_archives(session: Session, forum_id: int | None = None) -> list[ArchiveRow]:
    """Return the archives of a forum, or all, the newest first."""
    statement = select(Archive).order_by(Archive.id.desc())
    if forum_id is not None:
        statement = statement.where(Archive.forum_id == forum_id)
    return [_row(archive) for archive in session.execute(statement).scalars()]


def set_state(session: Session, archive_id: int, state: ArchiveState) -> ArchiveRow:
    """Pause, resume or cancel; pairs found so far stay.

    Raises `ArchiveEndedError`, and `ArchiveUnreadError` if only a reader of its file could resume
    it.
    """
    row = get(session, archive_id, lock=True)
    if row.state is state:
        return row
    if state is ArchiveState.RUNNING and row.stage is Stage.LOAD:
        raise ArchiveUnreadError(archive_id)
    if row.state in _ENDED and (row.state, state) != (ArchiveState.FAILED, ArchiveState.CANCELLED):
        raise ArchiveEndedError(archive_id, row.state)
    if state is ArchiveState.CANCELLED:
        session.execute(delete(ArchiveUnit).where(ArchiveUnit.archive_id == archive_id))
    _change(session, archive_id, state=state)
    return get(session, archive_id)


def change(session: Session, archive_id: int, **values: object) -> None:
    """Write columns of an archive."""
    _change(session, archive_id, **values)


def _change(session: Session, archive_id: int, **values: object) -> None:
    session.execute(update(Archive).where(Archive.id == archive_id).values(**values))


def restage(session: Session, archive_id: int, stage: Stage) -> ArchiveRow:
    """Return the archive, put back to *stage*."""
    _change(session, archive_id, stage=stage)
    return get(session, archive_id)


def end(session: Session, archive_id: int) -> None:
    """Record that the archive is mined, with its event."""
    _change(session, archive_id, state=ArchiveState.DONE, finished_at=func.clock_timestamp())
    row = get(session, archive_id)
    told = {name: getattr(row, name) for name in ("created", "changed", "unchanged", "rejected")}
    data = {"archive_id": archive_id, "name": row.name, **told, **row.counts}
    event = NewEvent(
        forum_id=row.forum_id, kind="archive.done", actor=f"archive {archive_id}", data=data
    )
    record(session, [event])


def is_embedding(session: Session) -> bool:
    """Return whether the vectors of any archive are being written now."""
    found = select(Archive.id).where(
        Archive.state == ArchiveState.RUNNING, Archive.stage == Stage.EMBED
    )
    return session.execute(found.limit(1)).first() is not None


def add_counts(session: Session, archive_id: int, counts: Mapping[str, int]) -> None:
    """Add to the archive's further counts."""
    row = get(session, archive_id, lock=True)
    added = {key: row.counts.get(key, 0) + n for key, n in counts.items()}
    _change(session, archive_id, counts={**row.counts, **added})


def note_progress(
    session: Session,
    archive_id: int,
    *,
    position: int,
    created: int = 0,
    changed: int = 0,
    unchanged: int = 0,
    rejects: Sequence[Mapping[str, object]],
    counts: Mapping[str, int] = _NO_COUNTS,
) -> None:
    """Add a batch to the archive's counts, in the transaction of the batch."""
    row = get(session, archive_id, lock=True)
    kept = [*row.rejects, *rejects][:REJECTS_KEPT]
    _change(
        session,
        archive_id,
        position=position,
        created=row.created + created,
        changed=row.changed + changed,
        unchanged=row.unchanged + unchanged,
        rejected=row.rejected + len(rejects),
        rejects=kept,
    )
    if counts:
        add_counts(session, archive_id, counts)
