"""Loading: stores the records of an archive as questions, in batches; can be resumed.

Each batch is committed together with the position in the file. Unchanged questions are not written
again. A thread stores one batch while the next one is read. If a load fails, the reason is stored
in the archive. Meanwhile the caller records that the file is being read: see `attending`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from itertools import chain, compress

import numpy as np
import structlog
from sqlalchemy.orm import Session

from db.archives import archives, reading
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, ArchiveState, Stage
from db.archives.units import NewUnit
from db.engine import FAILURES, Sessions, retried
from db.imports import adopting, loading, parts, sightings
from db.imports.parts import KnownPart
from db.packed_ids import Ids
from db.tenants.rows import ForumRow
from worker.archives.loading import missing
from worker.archives.loading.batches import Batch, batches_of, ids_of, prepared
from worker.archives.loading.ends import StoppedError, reason_of
from worker.archives.loading.missing import Rules
from worker.archives.loading.seen import SeenIds
from worker.archives.payload import pack_labels
from worker.archives.readers.records import Memory, Piece, Reject, length, singly
from worker.text.cuts import Cuts, cuts_of

_SWITCH_S = 0.0005
"""Seconds for which one thread keeps the interpreter while another waits for it.

With Python's default of 5 ms the storing thread would wait so long for the reading one after each
answer of Postgres: a quarter of the time of a load.
"""

_DISTRIBUTION = "askedbefore"

log = structlog.get_logger()
_RULES = Rules()
_Known = Mapping[bytes, KnownPart]
_NOTHING: Ids = np.zeros(0, np.int64)

OnBatch = Callable[[int, Sequence[Reject]], None]
"""Called with the number of records read in all, and the rejected rows of the batch."""


def load(
    sessions: Sessions,
    forum: ForumRow,
    archive: ArchiveRow,
    records: Iterable[Piece],
    *,
    on_batch: OnBatch = lambda _position, _rejects: None,
    rules: Rules = _RULES,
    memory: Memory | None = None,
) -> ArchiveRow:
    """Store the records that are not stored yet, and start the mining.

    *records* are all records of the file, some in blocks. If the *memory* of their reader is given,
    rows that an earlier archive of the same name had unchanged are not read again. Raises
    `StoppedError` if the archive is paused or cancelled meanwhile. After any other error the
    archive is `failed`, with the reason.
    """
    # Not reset: another load may begin in this process before this one ends.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    with (
        failing(sessions, archive.id),
        ThreadPoolExecutor(1, thread_name_prefix="store") as pool,
    ):
        known: _Known = {}
        if memory is not None:
            fields = forum.text_fields
            known = _remembered(sessions, archive.id, memory, rules, text_fields=fields)
        seen = SeenIds()
        left = _behind(records, archive.position, seen)
        storing: Future[None] | None = None
        with sessions.begin() as session:
            is_new = loading.is_empty(session, forum.id)
        for batch in _batches(left, forum, archive.position):
            if batch.same is not None:
                batch.part = known.get(batch.same.digest)
            _keep_first(batch, seen)
            if is_new:
                batch.kept = loading.ready(forum, archive.id, batch.kept)
            if storing is not None:
                storing.result()
            store = partial(_store, sessions, forum, archive.id, batch, rules)
            storing = pool.submit(retried, store)
            on_batch(batch.position, batch.rejects)
        if storing is not None:
            storing.result()
        missing.settle(sessions, forum, archive, rules)
        with sessions.begin() as session:
            unsearched = adopting.unsearched(session, archive.id)
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive.id, lock=True))
        adopting.adopt(session, archive.id, unsearched)
        archives.change(session, archive.id, stage=Stage.LINK, loaded_at=datetime.now(UTC))
        if rules.is_complete:
            sightings.forget_earlier(session, forum.id, archive.id)
            parts.forget_earlier(session, archive.id)
        else:
            sightings.drop(session, archive.id)
        return archives.get(session, archive.id)


def _remembered(
    sessions: Sessions, archive_id: int, memory: Memory, rules: Rules, *, text_fields: str
) -> _Known:
    """Give the *memory* of a reader the parts that earlier archives had, and return them."""
    with sessions.begin() as session:
        known = {} if rules.reads_all else parts.earlier(session, archive_id)
    memory.odd = {digest: part.odd for digest, part in known.items()}
    memory.salt = f"{_version()} {text_fields}"
    return known


def _version() -> str:
    """Return the program's version: another version may make other questions from the same rows."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"


@contextmanager
def failing(sessions: Sessions, archive_id: int) -> Iterator[None]:
    """Mark the archive as failed, with the reason, if the block raises; the error is not hidden."""
    try:
        yield
    except StoppedError:
        raise
    except BaseException as error:
        try:
            with sessions.begin() as session:
                reading.fail(session, archive_id, reason_of(error))
        except FAILURES:  # the sweep fails it later
            log.warning("archive.failure_not_noted", archive_id=archive_id)
        raise


def _behind(records: Iterable[Piece], position: int, seen: SeenIds) -> Iterator[Piece]:
    """Return the records after the first *position* ones, whose ids are added to *seen*."""
    if position <= 0:
        return iter(records)
    left = batches_of(iter(records))
    while position > 0 and (part := next(left, None)):
        found = list(singly(part))
        seen.add(ids_of(found[:position]))
        if len(found) > position:
            return chain(found[position:], chain.from_iterable(left))
        position -= len(found)
    return chain.from_iterable(left)


def _batches(records: Iterator[Piece], forum: ForumRow, position: int) -> Iterator[Batch]:
    cuts = _cuts(forum)
    for part in batches_of(records):
        position += sum(map(length, part))
        yield prepared(part, forum.text_fields, position, cuts)


def _keep_first(batch: Batch, seen: SeenIds) -> None:
    """Leave out questions that earlier batches of this file had: the first row of an id is kept."""
    ids = batch.ids
    batch.keep(frozenset(compress(ids, seen.add(ids))))


def _store(
    sessions: Sessions,
    forum: ForumRow,
    archive_id: int,
    batch: Batch,
    rules: Rules,
) -> None:
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive_id, lock=True))
        same = _unchanged(session, forum, batch)
        if same is None:
            batch = batch.read_after_all(forum.text_fields, _cuts(forum))
        loaded = loading.load(
            session,
            forum,
            archive_id,
            batch.kept,
            hidden=[one.external_id for one in batch.hidden if one.external_id is not None],
            with_erased=rules.with_erased,
            position=batch.position,
            same=_NOTHING if same is None else same,
        )
        archives.note_progress(
            session,
            archive_id,
            position=batch.position,
            created=loaded.created,
            changed=loaded.changed,
            unchanged=loaded.unchanged + batch.repeated,
            rejects=[{"line": one.line, "reason": one.reason} for one in batch.rejects],
            counts={**loaded.counts, **batch.counts()},
        )
        _note_parts(session, archive_id, batch, loaded.question_ids, same)
        if batch.labels:
            packed = pack_labels(batch.labels)
            unit = NewUnit(stage=Stage.LINK, size=len(batch.labels), payload=packed)
            archive_units.plan(session, archive_id, [unit])


def _unchanged(session: Session, forum: ForumRow, batch: Batch) -> Ids | None:
    """Return the stored questions of known rows, if they are unchanged; empty if there are none.

    Return None if the rows must be read again.
    """
    if batch.same is None or batch.part is None:
        return _NOTHING
    names = batch.same.external_ids
    if not batch.repeated_ids.isdisjoint(names):
        return None
    known = batch.part.question_ids
    if known is not None and len(known) == len(names):
        return known
    fields = forum.text_fields
    return parts.find_unchanged(session, forum.id, names, batch.part, text_fields=fields)


def _note_parts(
    session: Session, archive_id: int, batch: Batch, stored: Ids, same: Ids | None
) -> None:
    """Store the result of each part, for the next archive of this name.

    *stored* are the questions of the batch, and *same* those of its known part.
    """
    if batch.same is not None and batch.part is not None:
        part = batch.part if same is None else replace(batch.part, question_ids=same)
        parts.note(session, archive_id, batch.same.digest, part)
    for digest, part, ids in batch.parts:
        if batch.repeated_ids.isdisjoint(ids):
            is_all = len(stored) == len(ids) == len(batch.kept)
            known = replace(part, question_ids=stored) if is_all else part
            parts.note(session, archive_id, digest, known)


def _cuts(forum: ForumRow) -> Cuts:
    return cuts_of(forum.prefixes, forum.boilerplate)


def _refuse_stopped(archive: ArchiveRow) -> None:
    if archive.state is not ArchiveState.RUNNING:
        raise StoppedError(f"archive {archive.id} is {archive.state}")
