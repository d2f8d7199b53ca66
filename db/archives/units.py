"""Units of work on archives: planned once, claimed by lease, done exactly once.

A unit's results and its end are committed together, so a worker that dies leaves the unit as it
was. When its lease ends, another worker can claim it, and the first can no longer finish it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import (
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from db.archives.archives import ArchiveState, Stage
from db.errors import ConflictError
from db.tables.archives import Archive, ArchiveUnit

MAX_ATTEMPTS = 5
_ERROR_LENGTH = 2_000


class LostUnitError(ConflictError):
    """Another worker has claimed the unit, or the archive was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnit:
    """A unit as it is planned."""

    stage: Stage
    size: int
    place: int = 0
    other: int = 0
    low_id: int = 0
    high_id: int = 0
    other_low_id: int = 0
    other_high_id: int = 0
    payload: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(NewUnit):
    """A unit that this worker holds until its lease ends."""

    id: int
    archive_id: int
    lease: UUID
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """The progress of a stage."""

    stage: Stage
    units: int
    units_done: int
    size: int
    size_done: int
    found: int
    took_s: float
    failed: int
    size_failed: int
    rate: float
    """How much of `size` a second all workers did together, over the last units."""
    is_worked_on: bool
    """Whether the archive is running and somebody has done a unit lately."""

    @property
    def left_s(self) -> float | None:
        """Return about how many seconds are left; None while nobody works on it."""
        left = self.size - self.size_done - self.size_failed
        if not left:
            return 0.0
        return left / self.rate if self.is_worked_on and self.rate > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A unit that failed for good, and its questions."""

    low_id: int
    high_id: int
    other_low_id: int
    other_high_id: int
    payload: bytes | None


def allow_long_statements(session: Session) -> None:
    """Let this transaction's statements take minutes: a few of them plan a stage of millions."""
    session.execute(text("SET LOCAL statement_timeout = '10min'"))


def plan(session: Session, archive_id: int, units: Sequence[NewUnit]) -> None:
    """Store units of work."""
    for start in range(0, len(units), 1_000):
        rows = [
            {"archive_id": archive_id}
            | {name: getattr(unit, name) for name in NewUnit.__dataclass_fields__}
            for unit in units[start : start + 1_000]
        ]
        session.execute(insert(ArchiveUnit), rows)


_WAITING = and_(
    Archive.state == ArchiveState.RUNNING,
    Archive.stage != Stage.LOAD,
    Archive.stage != Stage.DONE,
)


def active(session: Session) -> list[int]:
    """Return the archives with work to do, in random order."""
    found = session.execute(select(Archive.id).where(_WAITING).order_by(func.random()))
    return list(found.scalars())


def claim(session: Session, archive_id: int, *, lease_s: float) -> Unit | None:
    """Return a unit of the archive's stage that nobody holds, or None."""
    chosen = session.execute(
        select(ArchiveUnit)
        .join(Archive, Archive.id == ArchiveUnit.archive_id)
        .where(
            ArchiveUnit.archive_id == archive_id,
            ArchiveUnit.stage == Archive.stage,
            Archive.state == ArchiveState.RUNNING,
            ArchiveUnit.done_at.is_(None),
            ArchiveUnit.due_at <= func.clock_timestamp(),
            ArchiveUnit.attempts < MAX_ATTEMPTS,
        )
        .order_by(ArchiveUnit.id)
        .limit(1)
        .with_for_update(of=ArchiveUnit, skip_locked=True)
    ).scalar_one_or_none()
    if chosen is None:
        return None
    lease = uuid4()
    session.execute(
        update(ArchiveUnit)
        .where(ArchiveUnit.id == chosen.id)
        .values(
            lease=lease,
            due_at=func.clock_timestamp() + timedelta(seconds=lease_s),
            attempts=ArchiveUnit.attempts + 1,
        )
    )
    names = [name for name in Unit.__dataclass_fields__ if name != "lease"]
    values = {name: getattr(chosen, name) for name in names} | {"stage": Stage(chosen.stage)}
    return Unit(**values, lease=lease)


def finish(
    session: Session,
    unit: Unit,
    *,
    took_s: float,
    found: int = 0,
    rest: Sequence[NewUnit] = (),
    payload: bytes | None = None,
    histogram: Sequence[int] | None = None,
) -> None:
    """End a unit, in the transaction of its results; raises `LostUnitError` to roll them back.

    *rest* is what was not done of it, and is planned.
    """
    _refuse_late(session, unit)
    plan(session, unit.archive_id, rest)
    done = session.execute(
        update(ArchiveUnit)
        .where(ArchiveUnit.id == unit.id, ArchiveUnit.lease == unit.lease)
        .values(
            lease=None,
            done_at=func.clock_timestamp(),
            took_s=took_s,
            found=found,
            size=unit.size - sum(one.size for one in rest),
            payload=payload,
            histogram=None if histogram is None else list(histogram),
            error=None,
        )
        .returning(ArchiveUnit.id)
    ).first()
    if done is None:
        raise LostUnitError


def _refuse_late(session: Session, unit: Unit) -> None:
    # A unit whose last lease has ended counts as set aside, and the stage goes on without it. But
    # its worker may still run. The lock keeps the stage as it is until this transaction ends.
    at = select(Archive.stage).where(Archive.id == unit.archive_id).with_for_update(read=True)
    if session.execute(at).scalar_one_or_none() != unit.stage:
        raise LostUnitError


def release(session: Session, unit: Unit) -> None:
    """Give a unit back as if it had never been claimed."""
    session.execute(
        update(ArchiveUnit)
        .where(ArchiveUnit.id == unit.id, ArchiveUnit.lease == unit.lease)
        .values(lease=None, due_at=func.clock_timestamp(), attempts=ArchiveUnit.attempts - 1)
    )


def put_back(session: Session, unit: Unit, error: str, *, delay_s: float) -> None:
    """Let a failed unit be tried again after a while."""
    session.execute(
        update(ArchiveUnit)
        .where(ArchiveUnit.id == unit.id, ArchiveUnit.lease == unit.lease)
        .values(
            lease=None,
            error=error[:_ERROR_LENGTH],
            due_at=case(  # after the last attempt nobody waits
                (ArchiveUnit.attempts >= MAX_ATTEMPTS, func.clock_timestamp()),
                else_=func.clock_timestamp() + timedelta(seconds=delay_s),
            ),
        )
    )


def is_stage_done(session: Session, archive_id: int, stage: Stage) -> bool:
    """Return whether no unit of this stage can still be done."""
    waiting = select(ArchiveUnit.id).where(
        ArchiveUnit.archive_id == archive_id,
        ArchiveUnit.stage == stage,
        ArchiveUnit.done_at.is_(None),
        or_(ArchiveUnit.attempts < MAX_ATTEMPTS, ArchiveUnit.due_at > func.clock_timestamp()),
    )
    return session.execute(waiting.limit(1)).first() is None


def forget(session: Session, archive_id: int, *, after: Stage) -> None:
    """Delete the units of every stage after the given one."""
    stages = list(Stage)
    later = stages[stages.index(after) + 1 :]
    session.execute(
        delete(ArchiveUnit).where(
            ArchiveUnit.archive_id == archive_id, ArchiveUnit.stage.in_(later)
        )
    )


_LATELY = 200
"""Units from which a rate is computed: enough to be steady, few enough to follow the workers."""
_REST_S = 10.0
"""In a longer break between units nobody was at work: it was a pause or a restart."""
_SILENT_S = 120.0
_PROGRESS = text("""
    WITH units AS (
        SELECT *, lag(done_at) OVER (PARTITION BY stage ORDER BY done_at, id) AS before,
            done_at - make_interval(secs => took_s) AS begun_at,
            row_number() OVER (PARTITION BY stage ORDER BY done_at DESC NULLS LAST, id) AS back,
            done_at IS NULL AND attempts >= :attempts AND due_at <= clock_timestamp() AS failed
        FROM archive_units WHERE archive_id = :archive
    ), paced AS (
        SELECT *, done_at - CASE
            WHEN before IS NULL OR begun_at > before + make_interval(secs => :rest) THEN begun_at
            ELSE before END AS worked
        FROM units
    )
    SELECT u.stage, count(*) AS units, count(done_at) AS units_done, sum(size)::bigint AS size,
        coalesce(sum(size) FILTER (WHERE done_at IS NOT NULL), 0)::bigint AS size_done,
        sum(found)::bigint AS found, coalesce(sum(took_s), 0)::float AS took_s,
        count(*) FILTER (WHERE failed) AS failed,
        coalesce(sum(size) FILTER (WHERE failed), 0)::bigint AS size_failed,
        coalesce(sum(size) FILTER (WHERE done_at IS NOT NULL AND back <= :lately)
            / greatest(extract(epoch FROM sum(worked) FILTER (WHERE back <= :lately)), 1e-3)
        , 0)::float AS rate,
        a.state = 'running' AND coalesce(
            max(done_at) > clock_timestamp() - make_interval(secs => :silent), false
        ) AS is_worked_on
    FROM paced u JOIN archives a ON a.id = u.archive_id GROUP BY u.stage, a.state
""")


def progress(session: Session, archive_id: int) -> list[StageProgress]:
    """Return the progress of each planned stage, over all workers.

    The rate counts only the time in which somebody worked: a pause or a restart does not lower it.
    """
    limits = {"lately": _LATELY, "rest": _REST_S, "silent": _SILENT_S, "attempts": MAX_ATTEMPTS}
    rows = session.execute(_PROGRESS, {"archive": archive_id, **limits}).mappings()
    found = [StageProgress(**{**row, "stage": Stage(row["stage"])}) for row in rows]
    order = list(Stage)
    return sorted(found, key=lambda one: order.index(one.stage))


def count_unmined(session: Session) -> int:
    """Return how many questions belong to archives that are not mined yet."""
    done = func.sum(ArchiveUnit.size).filter(
        ArchiveUnit.stage == Stage.FINISH, ArchiveUnit.done_at.is_not(None)
    )
    planned = func.sum(ArchiveUnit.size).filter(ArchiveUnit.stage == Stage.EMBED)
    each = (
        select((func.coalesce(planned, Archive.created) - func.coalesce(done, 0)).label("left"))
        .select_from(Archive)
        .outerjoin(ArchiveUnit, ArchiveUnit.archive_id == Archive.id)
        .where(Archive.state.in_((ArchiveState.RUNNING, ArchiveState.PAUSED)))
        .group_by(Archive.id)
        .subquery()
    )
    return int(session.execute(select(func.coalesce(func.sum(each.c.left), 0))).scalar_one())


def set_aside(session: Session, archive_id: int, stage: Stage) -> list[SetAside]:
    """Return the units of a finished stage that failed for good."""
    columns = [getattr(ArchiveUnit, name) for name in SetAside.__dataclass_fields__]
    rows = session.execute(
        select(*columns).where(
            ArchiveUnit.archive_id == archive_id,
            ArchiveUnit.stage == stage,
            ArchiveUnit.done_at.is_(None),
        )
    )
    return [SetAside(**row) for row in rows.mappings()]
