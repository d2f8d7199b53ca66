"""Jobs, the work due for questions: claimed by lease, done, tried again or set aside.

A job's ``due_at`` is also its lease: claiming moves it into the future, so the jobs of a dead
worker become due again by themselves. A lease is a new UUID; an edit clears it, so a worker that
comes back late finds that the job is no longer its own.

``attempts`` counts what a question did alone. Work whose lease ran out may have killed its worker,
and work that failed before may fail again: such work is suspect, and is claimed alone. So no
question of a batch loses an attempt when its worker dies, and the question that killed the worker
is found.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    case,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.tables.questions import Job, Question, Throughput
from db.work.rows import Claim, Claimed, Lane

MAX_ATTEMPTS = 5
_FORUMS_PER_CLAIM = 16
_BACKOFF_S = 2.0
_ERROR_LENGTH = 2_000
_LIVE = Job.failed_at.is_(None)
_TOKENS_AT_LEAST = 4
"""Most questions have at least so many tokens."""
_IS_DUE = "lane = %(lane)s AND failed_at IS NULL AND due_at <= statement_timestamp()"
_JOBS_DUE = f"""
    SELECT question_id, tokens, lease IS NOT NULL OR attempts > 0 AS is_suspect
    FROM jobs WHERE {_IS_DUE} AND attempts < {MAX_ATTEMPTS} AND forum_id = {{forum}}
    ORDER BY due_at, question_id LIMIT {{limit}} FOR UPDATE SKIP LOCKED
"""  # noqa: S608  # names of columns, and a number
_DUE = _JOBS_DUE.format(forum="%(forum)s", limit="%(limit)s")
# A loose index scan: one probe for each forum, however many of its rows wait. The commit need not
# wait for the disk: if a crash undoes a claim, the work is due again.
_FIRST_DUE = f"""
    WITH RECURSIVE due AS (
        SELECT min(forum_id) AS forum_id FROM jobs WHERE {_IS_DUE}
        UNION ALL
        SELECT (SELECT min(forum_id) FROM jobs WHERE {_IS_DUE} AND forum_id > due.forum_id)
        FROM due WHERE due.forum_id IS NOT NULL
    ), few AS (
        SELECT forum_id FROM due WHERE forum_id IS NOT NULL
        ORDER BY random() LIMIT {_FORUMS_PER_CLAIM}
    ), chosen AS MATERIALIZED (
        SELECT array_agg(forum_id) AS forums, greatest(count(*), 1) AS count,
            set_config('synchronous_commit', 'off', true) AS unawaited
        FROM few
    )
    SELECT chosen.forums, job.*
    FROM chosen LEFT JOIN LATERAL ({_JOBS_DUE}) AS job ON true
    WHERE chosen.forums IS NOT NULL AND chosen.unawaited = 'off'
""".format(  # noqa: S608  # names of columns, and numbers
    forum="chosen.forums[1]",
    limit="greatest(least(%(limit)s / chosen.count,"
    f" %(tokens)s / chosen.count / {_TOKENS_AT_LEAST} + 1), 1)",
)
_LEASE = """
    UPDATE jobs SET lease = %(lease)s::uuid, attempts = jobs.attempts + %(alone)s,
        due_at = clock_timestamp() + make_interval(secs => %(lease_s)s)
    FROM questions AS q WHERE jobs.question_id = ANY(%(ids)s) AND q.id = jobs.question_id
    RETURNING q.id, q.forum_id, q.title, q.body, q.text_fields, q.text_digest, q.text_version,
        q.read_title, q.read_body, q.visible, q.foreign_share, jobs.attempts, ARRAY(
            SELECT e.model_id FROM embeddings AS e
            WHERE e.question_id = q.id AND e.text_digest = q.text_digest
        ) AS embedded_by
"""
DONE = """
    done AS (
        DELETE FROM jobs WHERE lease = %(lease)s::uuid AND question_id = ANY({ids})
        RETURNING question_id, forum_id, lane
    ), counted AS (
        INSERT INTO throughput (forum_id, lane, minute, done)
        SELECT forum_id, lane, date_trunc('minute', clock_timestamp()), count(*)
        FROM done GROUP BY forum_id, lane ORDER BY forum_id, lane
        ON CONFLICT (forum_id, lane, minute) DO UPDATE SET done = throughput.done + excluded.done
    )
"""
"""SQL that deletes and counts the jobs of a lease, as a part of a larger statement."""


def put(session: Session, jobs: Sequence[tuple[int, int]], *, forum_id: int, lane: Lane) -> None:
    """Store jobs for ``(question_id, tokens)``; jobs that exist or have failed start again."""
    if not jobs:
        return
    rows = [
        {"question_id": question_id, "forum_id": forum_id, "lane": lane, "tokens": tokens}
        for question_id, tokens in jobs
    ]
    session.connection().execute(
        insert(Job.__table__).on_conflict_do_update(  # type: ignore[arg-type]
            index_elements=[Job.question_id],
            set_={
                "lane": lane,
                "attempts": 0,
                "due_at": func.clock_timestamp(),
                "created_at": func.clock_timestamp(),
                "lease": None,
                "error": None,
                "failed_at": None,
                "trace": literal_column("excluded.trace"),
            },
        ),
        rows,
    )


def traces(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the traces in which the work on these questions was asked for, if any."""
    found = session.execute(
        select(Job.question_id, Job.trace).where(Job.question_id.in_(ids), Job.trace.is_not(None))
    )
    return {row.question_id: row.trace for row in found if row.trace is not None}


def claim(session: Session, lane: Lane, *, token_budget: int, limit: int, lease_s: float) -> Claim:
    """Claim due jobs of *lane*, shared evenly among forums, up to *token_budget* tokens.

    At least one question is claimed when any is due, and a suspect one alone. Commit before working
    on them.
    """
    lease = uuid4()
    taken: list[_Due] = []
    more = False
    forums, rows = _first_due(session, lane, token_budget=token_budget, limit=limit)
    for left, forum_id in zip(range(len(forums), 0, -1), forums, strict=True):
        tokens = max(1, (token_budget - sum(one.tokens for one in taken)) // left)
        share = min(max(1, (limit - len(taken)) // left), _most(tokens))
        if left < len(forums):
            rows = _due(session, lane, forum_id, share)
        fitting = _within(rows, tokens, alone=not taken)
        more = more or len(fitting) < len(rows) or len(rows) == share
        taken += fitting
        is_full = len(taken) >= limit or sum(one.tokens for one in taken) >= token_budget
        if is_full or any(one.is_suspect for one in taken):
            more = more or left > 1
            break
    return Claim(lease=lease, questions=_leased(session, taken, lease, lease_s), more=more)


class _Due(NamedTuple):
    question_id: int
    tokens: int
    is_suspect: bool


def _first_due(
    session: Session, lane: Lane, *, token_budget: int, limit: int
) -> tuple[list[int], list[_Due]]:
    """Return the forums with due jobs, in a new order each time, and those of the first, locked."""
    given = {"lane": lane.value, "limit": limit, "tokens": token_budget}
    rows = session.connection().exec_driver_sql(_FIRST_DUE, given).all()
    forums = rows[0].forums if rows else []
    return forums, [_Due(*row[1:]) for row in rows if row.question_id is not None]


def _due(session: Session, lane: Lane, forum_id: int, limit: int) -> list[_Due]:
    given = {"lane": lane.value, "forum": forum_id, "limit": limit}
    return [_Due(*row) for row in session.connection().exec_driver_sql(_DUE, given)]


def _most(tokens: int) -> int:
    """Return how many jobs to lock for so many tokens: each locked row is also written."""
    return tokens // _TOKENS_AT_LEAST + 1


def _within(rows: Sequence[_Due], tokens: int, *, alone: bool) -> list[_Due]:
    """Return the first of *rows* that fit; a suspect one only when it can be *alone*."""
    fitting: list[_Due] = []
    for row in rows:
        if row.is_suspect:
            return fitting or [row][: int(alone)]
        tokens -= row.tokens
        if tokens < 0 and fitting:
            break
        fitting.append(row)
    return fitting


def _leased(session: Session, taken: Sequence[_Due], lease: UUID, lease_s: float) -> list[Claimed]:
    if not taken:
        return []
    given = {
        "lease": str(lease),
        "lease_s": lease_s,
        "alone": int(len(taken) == 1),
        "ids": [one.question_id for one in taken],
    }
    found = session.connection().exec_driver_sql(_LEASE, given).mappings()
    return sorted((_claimed(row) for row in found), key=lambda one: one.id)


def _claimed(row: RowMapping) -> Claimed:
    return Claimed(**{**row, "text_digest": bytes(row["text_digest"])})


def release(session: Session, lease: UUID, ids: Sequence[int]) -> None:
    """Give jobs back as if they had never been claimed."""
    attempts = func.greatest(Job.attempts - 1, 0)  # only a claim of one alone has counted
    session.execute(
        update(Job)
        .where(Job.lease == lease, Job.question_id.in_(ids))
        .values(lease=None, due_at=func.clock_timestamp(), attempts=attempts)
    )


def fail(session: Session, lease: UUID, ids: Sequence[int], error: str) -> list[int]:
    """Delay jobs that failed alone, longer each time; return those that are now set aside."""
    attempts = func.greatest(Job.attempts, 1)  # a claim of it alone has counted it
    over = attempts >= MAX_ATTEMPTS
    delay = func.make_interval(0, 0, 0, 0, 0, 0, _BACKOFF_S * func.power(2.0, attempts))
    rows = session.execute(
        update(Job)
        .where(Job.lease == lease, Job.question_id.in_(ids))
        .values(
            lease=None,
            attempts=attempts,
            error=error[:_ERROR_LENGTH],
            due_at=func.clock_timestamp() + delay,
            failed_at=case((over, func.clock_timestamp())),
        )
        .returning(Job.question_id, Job.failed_at)
    )
    return [row.question_id for row in rows if row.failed_at is not None]


def set_aside(session: Session, question_id: int, *, text_version: int, error: str) -> None:
    """Set a question aside that owes no work, unless its text has changed since *text_version*."""
    values = {
        "question_id": Question.id,
        "forum_id": Question.forum_id,
        "lane": literal(Lane.ARCHIVE.value),
        "tokens": literal(1),
        "attempts": literal(MAX_ATTEMPTS),
        "error": literal(error[:_ERROR_LENGTH]),
        "failed_at": func.clock_timestamp(),
    }
    chosen = (
        select(*values.values())
        .where(Question.id == question_id, Question.text_version == text_version)
        .with_for_update(read=True, key_share=True, of=Question)
    )
    session.execute(
        insert(Job)
        .from_select(list(values), chosen)
        .on_conflict_do_nothing(index_elements=[Job.question_id])
    )


def set_aside_crashed(session: Session) -> int:
    """Set aside jobs that killed their worker too often, and return how many."""
    error = "the worker died or ran out of time whenever it held this question"
    return len(
        session.execute(
            update(Job)
            .where(_LIVE, Job.due_at <= func.statement_timestamp(), Job.attempts >= MAX_ATTEMPTS)
            .values(failed_at=func.now(), error=func.coalesce(Job.error, error), lease=None)
            .returning(Job.question_id)
        ).all()
    )


def retry(session: Session, forum_id: int | None = None) -> int:
    """Make set-aside jobs due again, in one forum or all, and return how many."""
    where: list[ColumnElement[bool]] = [Job.failed_at.is_not(None)]
    if forum_id is not None:
        where.append(Job.forum_id == forum_id)
    return len(
        session.execute(
            update(Job)
            .where(*where)
            .values(
                failed_at=None, attempts=0, due_at=func.now(), created_at=func.now(), lease=None
            )
            .returning(Job.question_id)
        ).all()
    )


def lanes_due(session: Session) -> list[Lane]:
    """Return the lanes in which work is due now."""
    found = []
    for lane in (Lane.LIVE, Lane.ARCHIVE):
        due = select(Job.question_id).where(
            Job.lane == lane, _LIVE, Job.due_at <= func.statement_timestamp()
        )
        if session.execute(due.limit(1)).first():
            found.append(lane)
    return found


def count_pending(session: Session, forum_id: int, lane: Lane, *, cap: int) -> int:
    """Return how many questions of a forum's lane wait, counted up to *cap*."""
    waiting = (
        select(Job.question_id)
        .where(Job.forum_id == forum_id, Job.lane == lane, _LIVE)
        .limit(cap)
        .subquery()
    )
    return session.execute(select(func.count()).select_from(waiting)).scalar_one()


def drain_rate(session: Session, forum_id: int, lane: Lane) -> float:
    """Return how many questions in a second were done lately in a forum's lane."""
    window_s = 180
    done = session.execute(
        select(func.coalesce(func.sum(Throughput.done), 0)).where(
            Throughput.forum_id == forum_id,
            Throughput.lane == lane,
            Throughput.minute > func.now() - timedelta(seconds=window_s),
        )
    ).scalar_one()
    return float(done) / window_s


def counts(session: Session) -> list[tuple[str, str, int]]:
    """Return ``(lane, state, count)`` over all forums, for metrics."""
    state = case((_LIVE, "pending"), else_="failed")
    found = session.execute(
        select(Job.lane, state.label("state"), func.count()).group_by(Job.lane, state)
    )
    return [(row[0], row[1], row[2]) for row in found]


def forget_throughput(session: Session) -> None:
    """Delete the counts of minutes older than 90 days."""
    old = func.now() - timedelta(days=90)
    session.execute(delete(Throughput).where(Throughput.minute < old))
