"""Periodic upkeep: lost messages, ended leases, recall of the index, deletion of old rows."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from db.archives import reading
from db.archives import units as archive_units
from db.asking import outcomes
from db.engine import Sessions
from db.keeping import retention
from db.outbox import deliveries, events
from db.vectors import changes, embeddings, partitions
from db.vectors.rows import ModelRow
from db.work import jobs
from db.work.rows import Lane
from worker.queue import Queue

_SAMPLE = 50
_TOP = 10
_PIECE = 5_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """For how many days events and deliveries are kept."""

    events_days: int
    deliveries_days: int


def sweep(sessions: Sessions, queue: Queue) -> set[Lane]:
    """Set aside questions that kill workers, and wake and return the lanes in which work is due.

    An archive whose reader has died is marked as failed.
    """
    with sessions.begin() as session:
        aside = jobs.set_aside_crashed(session)
        unread = reading.fail_unattended(session)
        lanes = set(jobs.lanes_due(session))
        if archive_units.active(session):
            lanes.add(Lane.ARCHIVE)
    if aside:
        log.warning("jobs.set_aside", questions=aside)
    if unread:
        log.warning("archives.unread", archives=unread)
    for lane in lanes:
        queue.wake(lane)
    return lanes


def hourly(sessions: Sessions, model: ModelRow, kept: Kept) -> None:
    """Measure the index' recall against exact search on a sample, and delete old rows."""
    with sessions.begin() as session:
        recall = embeddings.measure_recall(session, model, sample=_SAMPLE, top=_TOP)
        jobs.forget_throughput(session)
        outcomes.forget_old(session)
        changes.forget(session)
    _forget(sessions, deliveries.forget_old, days=kept.deliveries_days)
    _forget(sessions, events.forget_old, days=kept.events_days)
    pruned = {kind: count for kind, count in retention.prune(sessions).items() if count}
    if pruned:
        log.info("retention.pruned", **pruned)
    if recall is not None:
        log.info("index.recall", model_id=model.id, top=_TOP, recall=round(recall, 4))


def _forget(sessions: Sessions, forget: Callable[..., int], *, days: int) -> None:
    # In pieces: there may be millions of rows, and a long transaction would block others.
    gone = _PIECE
    while gone == _PIECE:
        with sessions.begin() as session:
            gone = forget(session, days=days, limit=_PIECE)


def keep_index(sessions: Sessions, model: ModelRow, *, fit: int) -> None:
    """Build the vector index if a forum has more than *fit* vectors; drop it if none has half.

    A forum that fits into the workers' memory is searched there, and an index would only make each
    new question slower. Building takes 0.4 ms for each vector, so it may take minutes.
    """
    with sessions.begin() as session:
        is_there = partitions.is_valid(session, model.id)
        is_needed = partitions.is_needed(session, model.id, fit=fit)
        if is_there and not partitions.is_needed(session, model.id, fit=fit // 2):
            partitions.drop_index(session, model.id)
            log.info("index.dropped", model_id=model.id, fit=fit)
    if is_needed and not is_there:
        log.info("index.building", model_id=model.id, fit=fit)
        partitions.build_index(sessions.kw["bind"], model)
