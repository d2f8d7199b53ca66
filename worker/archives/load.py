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
from functools import partial
from itertools import chain
from operator import itemgetter

import structlog

from db.archives import archives, reading
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, ArchiveState, Stage
from db.archives.units import NewUnit
from db.engine import FAILURES, Sessions, retried
from db.errors import ServiceError
from db.imports import loading, sightings
from db.imports.incoming import Incoming
from db.imports.links import Label
from db.questions.rows import NewQuestion
from db.tenants.rows import ForumRow
from worker.archives import missing
from worker.archives.at_once import questions_of
from worker.archives.ends import StoppedError, reason_of
from worker.archives.missing import Rules
from worker.archives.payload import pack_labels
from worker.archives.readers.records import (
    Block,
    Hidden,
    KnownPair,
    Piece,
    Record,
    Reject,
    SourceQuestion,
    length,
    singly,
)
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


@dataclass(slots=True)
class Batch:
    """What is stored in one transaction, up to a position of the file."""

    position: int
    questions: dict[str, NewQuestion] = field(default_factory=dict)
    many: list[Incoming] = field(default_factory=list)
    """Questions by column, of blocks."""
    kept: Incoming = field(default_factory=lambda: Incoming.of([]))
    """Questions that are stored: of each id those of its first row."""
    labels: list[Label] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    repeated: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Values of optional fields that could not be used, by field."""

    def incoming(self) -> Incoming:
        """Return all questions of the batch."""
        whole = Incoming.of(list(self.questions.values()))
        for one in self.many:
            whole = whole.joined(one)
        return whole

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
    records: Iterable[Piece],
    *,
    on_batch: OnBatch = lambda _position, _rejects: None,
    rules: Rules = _RULES,
) -> ArchiveRow:
    """Store the records that are not stored yet, and start the mining.

    *records* are all records of the file, some in blocks. Raises `StoppedError` if the archive is
    paused or cancelled meanwhile. After any other error the archive is `failed`, with the reason.
    """
    # Not undone later: another load may begin in this process before this one ends.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    with (
        failing(sessions, archive.id),
        _attended(sessions, archive.id),
        ThreadPoolExecutor(1, thread_name_prefix="store") as pool,
    ):
        seen = SeenIds()
        left = _behind(records, archive.position, seen)
        storing: Future[None] | None = None
        for batch in _batches(left, forum, archive.position):
            _keep_first(batch, seen)
            if storing is not None:
                storing.result()
            store = partial(_store, sessions, forum, archive.id, batch, rules)
            storing = pool.submit(retried, store)
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


def check(records: Iterable[Piece]) -> tuple[Counter[str], list[Reject]]:
    """Return how many `rows` there are, of them `questions` and `labels` to store, and rejects."""
    counts: Counter[str] = Counter()
    rejects: list[Reject] = []
    for part in parts(iter(records)):
        batch = prepared(part, TextFields.TITLE, 0)
        counts["rows"] += sum(map(length, part))
        counts["questions"] += len(batch.incoming())
        counts["labels"] += len(batch.labels)
        rejects += batch.rejects
    return counts, rejects


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


def _behind(records: Iterable[Piece], position: int, seen: SeenIds) -> Iterator[Piece]:
    """Return what comes behind the first *position* records, whose ids are *seen* then."""
    left = parts(iter(records))
    while position > 0 and (part := next(left, None)):
        found = list(singly(part))
        seen.add(_ids(found[:position]))
        if len(found) > position:
            return chain(found[position:], chain.from_iterable(left))
        position -= len(found)
    return chain.from_iterable(left)


def _batches(records: Iterator[Piece], forum: ForumRow, position: int) -> Iterator[Batch]:
    cuts = cuts_of(forum.prefixes, forum.boilerplate)
    for part in parts(records):
        position += sum(map(length, part))
        yield prepared(part, forum.text_fields, position, cuts)


def _keep_first(batch: Batch, seen: SeenIds) -> None:
    """Leave out what earlier batches of this file had: the first row of an id stays."""
    incoming = batch.incoming()
    known = seen.add(incoming.ids)
    batch.repeated += sum(known)
    batch.kept = incoming.picked([not one for one in known])


def _ids(records: Sequence[Record]) -> list[str]:
    return [one.external_id for one in records if isinstance(one, SourceQuestion)]


def parts(records: Iterator[Piece]) -> Iterator[list[Piece]]:
    """Yield *records* in lists of `BATCH`, shorter where texts are long; a block comes alone."""
    part: list[Piece] = []
    chars = 0
    for record in records:
        if isinstance(record, Block):
            if part:
                yield part
            yield [record]
            part, chars = [], 0
            continue
        part.append(record)
        if isinstance(record, SourceQuestion):
            chars += len(record.title) + len(record.body)
        if len(part) >= BATCH or chars >= _BATCH_CHARS:
            yield part
            part, chars = [], 0
    if part:
        yield part


def prepared(
    records: Iterable[Piece], text_fields: str, position: int, cuts: Cuts = NO_CUTS
) -> Batch:
    """Return what of *records* is stored; a block must be alone among them."""
    batch = Batch(position)
    _add(batch, records, text_fields, cuts)
    return batch


def _add(batch: Batch, records: Iterable[Piece], text_fields: str, cuts: Cuts) -> None:
    for record in records:
        if isinstance(record, Block):
            _let_in_many(batch, record, text_fields, cuts)
        elif isinstance(record, SourceQuestion):
            _let_in(batch, record, text_fields, cuts)
        elif isinstance(record, KnownPair):
            batch.labels.append(_label(record))
        elif isinstance(record, Hidden):
            batch.hidden.append(record)
        else:
            batch.rejects.append(record)


def _let_in_many(batch: Batch, block: Block, text_fields: str, cuts: Cuts) -> None:
    """Let in a block, which stands alone in its batch."""
    incoming, odd = questions_of(block, text_fields=text_fields, cuts=cuts)
    batch.many.append(incoming)
    alone = [(block.places[at], block.question(at)) for at in sorted(odd)]
    others = sorted([*block.others, *alone], key=itemgetter(0))
    _add(batch, (record for _, record in others), text_fields, cuts)


def _label(pair: KnownPair) -> Label:
    return Label(
        first_id=pair.first_id,
        second_id=pair.second_id,
        is_duplicate=pair.is_duplicate,
        canonical_id=pair.canonical_id,
    )


def _let_in(batch: Batch, source: SourceQuestion, text_fields: str, cuts: Cuts) -> None:
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
    sessions: Sessions, forum: ForumRow, archive_id: int, batch: Batch, rules: Rules
) -> None:
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive_id, lock=True))
        loaded = loading.load(
            session,
            forum,
            archive_id,
            batch.kept,
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
