"""Loading: stores the records of an archive as questions, in batches; can be resumed.

Each batch is committed together with the position in the file. Unchanged questions are left as
they are. A thread stores one batch while the next one is read. Another records that the file is
being read. A load that ends early leaves the reason in the archive.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.archives import archives, reading
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, ArchiveState, Stage
from db.archives.units import NewUnit
from db.engine import FAILURES, Sessions, is_disk_full
from db.errors import ConflictError, ServiceError
from db.imports import loading, sightings
from db.imports.links import Label
from db.questions.rows import NewQuestion
from db.tenants.rows import ForumRow
from worker.archives import missing
from worker.archives.missing import Rules
from worker.archives.payload import pack_labels
from worker.archives.readers.records import Hidden, KnownPair, Record, Reject, SourceQuestion
from worker.archives.seen import SeenIds
from worker.text.cuts import NO_CUTS, Cuts, cuts_of
from worker.text.intake import FieldError, question_of
from worker.text.normal import TextFields

BATCH = 5_000
_BATCH_CHARS = 4 << 20
_ATTEND_S = 5.0
_SWITCH_S = 0.0005
"""Seconds for which one thread keeps the interpreter while another waits for it.

With Python's own 5 ms the thread that stores waits that long, after each answer of Postgres, for
the one that reads: a quarter of the time of a load.
"""

log = structlog.get_logger()
_RULES = Rules()

OnBatch = Callable[[int, Sequence[Reject]], None]
"""Hears how many records were dealt with in all, and which rows of the batch were rejected."""


class StoppedError(ConflictError):
    """The archive was paused or cancelled during the load."""


@dataclass(slots=True)
class _Batch:
    position: int
    questions: dict[str, NewQuestion] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    repeated: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of optional fields that could not be used, by field."""

    def counts(self) -> dict[str, int]:
        """Return the further counts of the batch, by name."""
        counts = Counter(f"hidden: {one.reason}" for one in self.hidden)
        counts.update({f"dropped: {name}": count for name, count in self.dropped.items()})
        if self.hidden:
            counts["hidden"] = len(self.hidden)
        return dict(counts)


def load(
    sessions: Sessions,
    forum: ForumRow,
    archive: ArchiveRow,
    records: Iterable[Record],
    *,
    on_batch: OnBatch = lambda _position, _rejects: None,
    rules: Rules = _RULES,
) -> ArchiveRow:
    """Store the records that are not stored yet, and start the mining.

    *records* are all records of the file. Raises `StoppedError` if the archive is
    paused or cancelled meanwhile. After any other error the archive is `failed`, with the reason.
    """
    # Not undone later: another load may begin in this process before this one ends.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    with (
        failing(sessions, archive.id),
        _attended(sessions, archive.id),
        ThreadPoolExecutor(1, thread_name_prefix="store") as pool,
    ):
        seen, left = SeenIds(), iter(records)
        for part in _parts(islice(left, archive.position)):
            seen.add(_ids(part))
        storing: Future[None] | None = None
        for batch in _batches(left, forum, archive.position, seen):
            if storing is not None:
                storing.result()
            storing = pool.submit(_store, sessions, forum, archive.id, batch, rules)
            on_batch(batch.position, batch.rejects)
        if storing is not None:
            storing.result()
        missing.settle(sessions, forum, archive, rules)
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive.id, lock=True))
        archives.change(session, archive.id, stage=Stage.LINK, loaded_at=datetime.now(UTC))
        if rules.is_complete:
            sightings.forget_earlier(session, forum.id, archive.id)
        else:
            sightings.drop(session, archive.id)
        return archives.get(session, archive.id)


def check(records: Sequence[Record]) -> tuple[int, list[Reject]]:
    """Return how many questions `load` would store, and the rejects."""
    batch = _prepared(records, TextFields.TITLE, 0)
    return len(batch.questions), batch.rejects


def reason_of(error: BaseException) -> str:
    """Return why a file was not read to its end, for people, without any content of the file."""
    if isinstance(error, ServiceError):
        return str(error)
    if isinstance(error, MemoryError):
        return "reading it takes more memory than it may"
    if is_disk_full(error):
        return "the disk is full"
    if isinstance(error, SQLAlchemyError):
        return "the database did not take it"
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return "reading it was interrupted"
    return f"reading it failed: {type(error).__name__}"


@contextmanager
def failing(sessions: Sessions, archive_id: int) -> Iterator[None]:
    """Mark the archive as failed, with the reason, if the block raises; the error is raised on."""
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


@contextmanager
def _attended(sessions: Sessions, archive_id: int) -> Iterator[None]:
    """Record regularly that the file is being read, however long a batch takes."""
    is_over = threading.Event()

    def attend() -> None:
        while not is_over.wait(_ATTEND_S):
            try:
                with sessions.begin() as session:
                    reading.attend(session, archive_id)
            except (*FAILURES, ServiceError) as error:
                log.warning("archive.not_attended", archive_id=archive_id, error=repr(type(error)))

    with sessions.begin() as session:
        reading.attend(session, archive_id)
    thread = threading.Thread(target=attend, name="attend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _batches(
    records: Iterator[Record], forum: ForumRow, position: int, seen: SeenIds
) -> Iterator[_Batch]:
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    for part in _parts(records):
        position += len(part)
        batch = _prepared(part, forum.text_fields, position, cuts)
        _keep_first(batch, seen)
        yield batch


def _keep_first(batch: _Batch, seen: SeenIds) -> None:
    """Leave out what earlier batches of this file had: the first row of an id stays."""
    ids = list(batch.questions)
    for external_id, is_known in zip(ids, seen.add(ids), strict=True):
        if is_known:
            del batch.questions[external_id]
            batch.repeated += 1


def _ids(records: Sequence[Record]) -> list[str]:
    return [one.external_id for one in records if isinstance(one, SourceQuestion)]


def _parts(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield *records* in lists of `BATCH`, shorter where their texts are long."""
    part: list[Record] = []
    chars = 0
    for record in records:
        part.append(record)
        if isinstance(record, SourceQuestion):
            chars += len(record.title) + len(record.body)
        if len(part) >= BATCH or chars >= _BATCH_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def _prepared(
    records: Sequence[Record], text_fields: str, position: int, cuts: Cuts = NO_CUTS
) -> _Batch:
    batch = _Batch(position)
    for record in records:
        if isinstance(record, SourceQuestion):
            _let_in(batch, record, text_fields, cuts)
        elif isinstance(record, KnownPair):
            batch.labels.append(_label(record))
        elif isinstance(record, Hidden):
            batch.hidden.append(record)
        else:
            batch.rejects.append(record)
    return batch


def _label(pair: KnownPair) -> Label:
    return Label(
        first_id=pair.first_id,
        second_id=pair.second_id,
        is_duplicate=pair.is_duplicate,
        canonical_id=pair.canonical_id,
    )


def _let_in(batch: _Batch, source: SourceQuestion, text_fields: str, cuts: Cuts) -> None:
    batch.dropped.update(one.field for one in source.dropped)
    known = batch.questions.get(source.external_id)
    if known is not None and known.title == source.title:
        batch.repeated += 1
        return
    try:
        question = question_of(source, text_fields=text_fields, cuts=cuts)
    except FieldError as error:
        batch.rejects.append(Reject(source.line, str(error)))
        return
    if known is not None and known.title != question.title:
        batch.rejects.append(Reject(source.line, "the id is used twice, with another question"))
        return
    batch.questions[source.external_id] = question


def _store(
    sessions: Sessions, forum: ForumRow, archive_id: int, batch: _Batch, rules: Rules
) -> None:
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive_id, lock=True))
        loaded = loading.load(
            session,
            forum,
            archive_id,
            list(batch.questions.values()),
            hidden=[one.external_id for one in batch.hidden if one.external_id is not None],
            with_erased=rules.with_erased,
            position=batch.position,
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
        if batch.labels:
            packed = pack_labels(batch.labels)
            unit = NewUnit(stage=Stage.LINK, size=len(batch.labels), payload=packed)
            archive_units.plan(session, archive_id, [unit])


def _refuse_stopped(archive: ArchiveRow) -> None:
    if archive.state is not ArchiveState.RUNNING:
        raise StoppedError(f"archive {archive.id} is {archive.state}")
