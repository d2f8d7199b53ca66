"""Loading: the records of an archive become stored questions, batch by batch, resumable.

Each batch commits together with how far the file is dealt with; what is there already is left
alone. A thread stores one batch while the next one is read.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from db.archives import archives
from db.archives import units as archive_units
from db.archives.archives import ArchiveRow, ArchiveState, Stage
from db.archives.units import NewUnit
from db.engine import Sessions
from db.errors import ConflictError
from db.questions.rows import NewQuestion
from db.tenants.rows import ForumRow
from worker.archives.payload import pack_links
from worker.archives.readers.records import KnownPair, Record, Reject, SourceQuestion
from worker.live.intake import FieldError, question_of
from worker.text import TextFields

BATCH = 5_000
_SWITCH_S = 0.0005
"""Seconds for which one thread keeps the interpreter while another waits for it.

With Python's own 5 ms the thread that stores waits that long, after each answer of Postgres, for
the one that reads: a quarter of the time of a load.
"""

OnBatch = Callable[[int, Sequence[Reject]], None]
"""Hears how many records were dealt with in all, and which rows of the batch were rejected."""


class StoppedError(ConflictError):
    """The archive was paused or cancelled while it was loaded."""


@dataclass(slots=True)
class _Batch:
    position: int
    questions: dict[str, NewQuestion] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    repeated: int = 0


def load(
    sessions: Sessions,
    forum: ForumRow,
    archive: ArchiveRow,
    records: Iterable[Record],
    *,
    on_batch: OnBatch = lambda _position, _rejects: None,
) -> ArchiveRow:
    """Store what is left of *records* and let the mining begin.

    *records* are all of the file's, from its first. Raises `StoppedError` when the archive is
    paused or cancelled meanwhile.
    """
    left = islice(iter(records), archive.position, None)
    # For good: another load in this process may begin before this one ends.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    with ThreadPoolExecutor(1, thread_name_prefix="store") as pool:
        storing: Future[None] | None = None
        for batch in _batches(left, forum.text_fields, archive.position):
            if storing is not None:
                storing.result()
            storing = pool.submit(_store, sessions, forum, archive.id, batch)
            on_batch(batch.position, batch.rejects)
        if storing is not None:
            storing.result()
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive.id, lock=True))
        archives.change(session, archive.id, stage=Stage.LINK, loaded_at=datetime.now(UTC))
        return archives.get(session, archive.id)


def check(records: Sequence[Record]) -> tuple[int, list[Reject]]:
    """Return how many questions could be stored, and the rejects: what `load` would do."""
    batch = _prepared(records, TextFields.TITLE, 0)
    return len(batch.questions), batch.rejects


def _batches(records: Iterator[Record], text_fields: str, position: int) -> Iterator[_Batch]:
    while True:
        part = list(islice(records, BATCH))
        if not part:
            return
        position += len(part)
        yield _prepared(part, text_fields, position)


def _prepared(records: Sequence[Record], text_fields: str, position: int) -> _Batch:
    batch = _Batch(position)
    for record in records:
        if isinstance(record, SourceQuestion):
            _let_in(batch, record, text_fields)
        elif isinstance(record, KnownPair):
            batch.links.append((record.first_id, record.second_id))
        else:
            batch.rejects.append(record)
    return batch


def _let_in(batch: _Batch, source: SourceQuestion, text_fields: str) -> None:
    known = batch.questions.get(source.external_id)
    if known is not None and known.title == source.title:
        batch.repeated += 1
        return
    try:
        question = question_of(source, text_fields=text_fields)
    except FieldError as error:
        batch.rejects.append(Reject(source.line, str(error)))
        return
    if known is not None and known.title != question.title:
        batch.rejects.append(Reject(source.line, "the id is used twice, with another question"))
        return
    batch.questions[source.external_id] = question


def _store(sessions: Sessions, forum: ForumRow, archive_id: int, batch: _Batch) -> None:
    with sessions.begin() as session:
        _refuse_stopped(archives.get(session, archive_id, lock=True))
        loaded = archives.load(session, forum, archive_id, list(batch.questions.values()))
        archives.note_progress(
            session,
            archive_id,
            position=batch.position,
            loaded=loaded,
            repeated=batch.repeated,
            rejects=[{"line": one.line, "reason": one.reason} for one in batch.rejects],
        )
        if batch.links:
            unit = NewUnit(stage=Stage.LINK, size=len(batch.links), payload=pack_links(batch.links))
            archive_units.plan(session, archive_id, [unit])


def _refuse_stopped(archive: ArchiveRow) -> None:
    if archive.state is not ArchiveState.RUNNING:
        raise StoppedError(f"archive {archive.id} is {archive.state}")
