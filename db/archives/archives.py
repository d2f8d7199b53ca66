"""Queries on archives: loading by COPY, progress, pausing, cancelling."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.errors import ConflictError, NotFoundError
from db.questions import saving
from db.questions.rows import NO_FACTS, NewQuestion
from db.rows import PairKind, PairStatus
from db.tables.archives import Archive, ArchiveUnit
from db.tables.pairs import Pair
from db.tables.questions import Question
from db.tenants.rows import ForumRow
from db.work.rows import Lane

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
            f"archive {archive_id} cannot go on: its file was not read to the end. Send it again:"
            " what is stored already is passed over"
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
    bi_encoder_id: int | None
    reranker_id: int | None
    threshold: float | None
    created_at: datetime
    loaded_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The result of loading one batch of questions."""

    created: int
    changed: int
    unchanged: int


def _row(archive: Archive) -> ArchiveRow:
    values = {name: getattr(archive, name) for name in ArchiveRow.__dataclass_fields__}
    return ArchiveRow(
        **values | {"stage": Stage(archive.stage), "state": ArchiveState(archive.state)}
    )


def create(session: Session, forum_id: int, *, name: str, form: str, top_k: int) -> ArchiveRow:
    """Return a new archive that waits for its questions."""
    archive = Archive(forum_id=forum_id, name=name, form=form, top_k=top_k)
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

    Raises `ArchiveEndedError`, and `ArchiveUnreadError` for what only its file could resume.
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
    """Record that the archive is mined."""
    _change(session, archive_id, state=ArchiveState.DONE, finished_at=func.clock_timestamp())


def is_embedding(session: Session) -> bool:
    """Return whether the vectors of any archive are being written now."""
    found = select(Archive.id).where(
        Archive.state == ArchiveState.RUNNING, Archive.stage == Stage.EMBED
    )
    return session.execute(found.limit(1)).first() is not None


_COPY_PIECE = 1 << 22
_COLUMNS = (
    "external_id",
    "title",
    "body",
    "url",
    "category",
    "author",
    "asked_at",
    "visible",
    "facts",
    "edited_at",
    "revision",
    "text_fields",
    "text_digest",
    "content_digest",
    "foreign_share",
)
_NAMES = ", ".join(_COLUMNS)
_INCOMING = f"""
    CREATE TEMP TABLE IF NOT EXISTS incoming ON COMMIT DELETE ROWS
    AS SELECT {_NAMES} FROM questions WITH NO DATA
"""  # noqa: S608  # names of our own
_INSERT = f"""
    INSERT INTO questions (forum_id, archive_id, {_NAMES})
    SELECT :forum, :archive, {_NAMES} FROM incoming ORDER BY external_id COLLATE "C"
    ON CONFLICT (forum_id, external_id) DO NOTHING
"""  # noqa: S608
_ADOPT = """
    UPDATE questions q SET archive_id = :archive FROM incoming i, archives a
    WHERE q.forum_id = :forum AND q.external_id = i.external_id AND q.checked_at IS NULL
      AND a.id = q.archive_id AND (a.state IN ('cancelled', 'failed', 'done')
        OR a.state = 'paused' AND a.stage = 'load')
"""
_DIFFERENT = """
    SELECT q.external_id FROM incoming i
    JOIN questions q ON q.forum_id = :forum AND q.external_id = i.external_id
    WHERE q.content_digest <> i.content_digest OR q.text_fields <> i.text_fields
"""


def load(
    session: Session, forum: ForumRow, archive_id: int, items: Sequence[NewQuestion]
) -> Loaded:
    """Store the questions by COPY; *items* must not contain an id twice.

    Unchanged questions stay as they are. Changed ones are edited and checked again in the archive
    lane. Questions that an ended archive left unmined are taken over by this one.
    """
    if not items:
        return Loaded(created=0, changed=0, unchanged=0)
    session.execute(text(_INCOMING))
    cursor = session.connection().connection.cursor()
    cursor.copy_expert(
        f"COPY incoming ({_NAMES}) FROM STDIN WITH (FORMAT csv, FORCE_NOT_NULL (body))",
        _as_csv(items),
        # Each piece waits for Python's interpreter lock while the next batch is being read.
        size=_COPY_PIECE,
    )
    parameters = {"forum": forum.id, "archive": archive_id}
    done: Any = session.execute(text(_INSERT), parameters)
    created = int(done.rowcount)
    changed: set[str] = set()
    if created < len(items):
        session.execute(text(_ADOPT), parameters)
        changed = set(session.execute(text(_DIFFERENT), parameters).scalars())
        edited = [item for item in items if item.external_id in changed]
        saving.save(session, forum, edited, lane=Lane.ARCHIVE)
    session.execute(text("DELETE FROM incoming"))
    return Loaded(
        created=created, changed=len(changed), unchanged=len(items) - created - len(changed)
    )


def _as_csv(items: Sequence[NewQuestion]) -> io.StringIO:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows(
        (
            item.external_id,
            item.title,
            item.body,
            item.url,
            item.category,
            item.author,
            item.asked_at.isoformat() if item.asked_at else None,
            "t" if item.visible else "f",
            None if item.facts is NO_FACTS else json.dumps(item.facts.stored()),
            item.edited_at.isoformat() if item.edited_at else None,
            item.revision,
            str(item.text_fields),
            "\\x" + item.text_digest.hex(),
            "\\x" + item.content_digest.hex(),
            item.foreign_share,
        )
        for item in items
    )
    out.seek(0)
    return out


def note_progress(
    session: Session,
    archive_id: int,
    *,
    position: int,
    loaded: Loaded,
    repeated: int = 0,
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
        created=row.created + loaded.created,
        changed=row.changed + loaded.changed,
        unchanged=row.unchanged + loaded.unchanged + repeated,
        rejected=row.rejected + len(rejects),
        rejects=kept,
        counts={**row.counts, **{key: row.counts.get(key, 0) + n for key, n in counts.items()}},
    )


def save_links(session: Session, forum_id: int, links: Sequence[tuple[str, str]]) -> list[int]:
    """Confirm the forum's own duplicates and return the questions of the new pairs.

    Decisions stay; links to questions that are not stored are skipped.
    """
    names = {name for link in links for name in link}
    found = session.execute(
        select(Question.external_id, Question.id, Question.text_version)
        .where(Question.forum_id == forum_id, Question.external_id.in_(names))
        .order_by(Question.id)
        .with_for_update(read=True, key_share=True)
    )
    known = {row.external_id: (row.id, row.text_version) for row in found}
    rows = {}
    for first, second in links:
        if first in known and second in known and first != second:
            (low, low_version), (high, high_version) = sorted((known[first], known[second]))
            rows[low, high] = {
                "forum_id": forum_id,
                "low_id": low,
                "high_id": high,
                "low_text_version": low_version,
                "high_text_version": high_version,
                "kind": PairKind.KNOWN,
                "status": PairStatus.DUPLICATE,
                "score": 1.0,
                "threshold": 1.0,
                "decided_by": "archive",
                "decided_at": func.now(),
            }
    if not rows:
        return []
    statement = insert(Pair).values([rows[key] for key in sorted(rows)])
    undecided = (PairStatus.FLAGGED, PairStatus.OBSERVED, PairStatus.WITHDRAWN)
    confirm = statement.on_conflict_do_update(
        index_elements=["low_id", "high_id"],
        set_={
            "status": PairStatus.DUPLICATE,
            "decided_by": "archive",
            "decided_at": func.now(),
            "version": Pair.version + 1,
        },
        where=Pair.status.in_(undecided),
    ).returning(Pair.low_id, Pair.high_id)
    return [end for row in session.execute(confirm) for end in (row.low_id, row.high_id)]
