"""Facts about a running database, for people who look for what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

BUSY = 100
"""A forum with so many waiting questions in a lane counts as busy there."""

_SERVER = text("""
    SELECT current_setting('server_version') AS version,
        (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
        (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
        (SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend') AS connections,
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int AS most_connections,
        extract(epoch FROM clock_timestamp())::float AS clock,
        current_setting('transaction_read_only') = 'on' AS is_read_only,
        pg_database_size(current_database()) AS size""")
_REVISIONS = text("SELECT version_num FROM alembic_version")
_FORUMS = text("""
    SELECT name, pending_limit, observe_only,
        (SELECT count(*) FROM jobs WHERE forum_id = forums.id AND lane = 'live'
            AND failed_at IS NULL) AS pending,
        EXISTS (SELECT FROM api_key_forums JOIN api_keys ON api_keys.id = key_id
            WHERE forum_id = forums.id AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > now())) AS has_key,
        EXISTS (SELECT FROM memberships JOIN people ON people.id = person_id
            WHERE forum_id = forums.id AND disabled_at IS NULL) AS has_people
    FROM forums ORDER BY name""")
_ERRORS = text("""
    SELECT forums.name AS forum, external_id, attempts, error,
        coalesce(failed_at, jobs.created_at) AS at, failed_at IS NOT NULL AS is_set_aside
    FROM jobs JOIN questions ON questions.id = question_id
    JOIN forums ON forums.id = jobs.forum_id
    WHERE error IS NOT NULL ORDER BY at DESC LIMIT :limit""")
_DONE = text("""
    SELECT lane, sum(done) FILTER (WHERE minute > now() - interval '1 minute') AS last_minute,
        sum(done) AS last_hour
    FROM throughput WHERE minute > now() - interval '1 hour' GROUP BY lane""")
_WEBHOOKS = text("""
    SELECT forums.name AS forum, url, disabled_at IS NOT NULL AS is_disabled, notice, failures,
        (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = webhooks.id
            AND delivered_at IS NULL AND given_up_at IS NULL
            AND due_at < now() - interval '10 minutes') AS late
    FROM webhooks JOIN forums ON forums.id = forum_id ORDER BY webhooks.id""")
_ARCHIVES = text("""
    SELECT archives.id, forums.name AS forum, archives.name, state, stage, error,
        (SELECT count(*) FROM archive_units WHERE archive_id = archives.id AND attempts >= 5
            AND done_at IS NULL) AS stuck
    FROM archives JOIN forums ON forums.id = forum_id
    WHERE state IN ('running', 'failed', 'paused') ORDER BY archives.id DESC LIMIT 50""")
_CLASSES = text("""
    SELECT lane, CASE WHEN count(*) >= :busy THEN 'busy' ELSE 'quiet' END AS class,
        max(extract(epoch FROM clock_timestamp() - created_at)) AS oldest_s
    FROM jobs WHERE failed_at IS NULL AND due_at <= clock_timestamp() GROUP BY lane, forum_id""")
_DECIDED = text("""
    SELECT status, count(*) FROM decisions
    WHERE NOT undone AND created_at > now() - interval '30 days' AND reranker_id IS NOT NULL
    AND status IN ('duplicate', 'not_duplicate', 'related') GROUP BY status""")
_DELIVERIES = text("""
    SELECT CASE WHEN given_up_at IS NOT NULL THEN 'given up'
        WHEN due_at < now() - interval '10 minutes' THEN 'late' ELSE 'waiting' END AS state,
        count(*)
    FROM webhook_deliveries WHERE delivered_at IS NULL
    AND (given_up_at IS NULL OR given_up_at > now() - interval '1 day') GROUP BY state""")
_ARCHIVE_STATES = text("SELECT state, stage, count(*) FROM archives GROUP BY state, stage")
_BLOCKED = text("""
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND cardinality(pg_blocking_pids(pid)) > 0 AND now() - query_start > interval '30 seconds'""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server of Postgres reports about itself."""

    version: str
    available: str | None
    installed: str | None
    connections: int
    most_connections: int
    clock: float
    """Seconds since 1970 by its clock."""
    is_read_only: bool
    size: int
    """Bytes of the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForumFacts:
    """A forum as an operator sees it."""

    name: str
    pending_limit: int
    """Questions that may wait; above it the API answers 429."""
    observe_only: bool
    pending: int
    has_key: bool
    has_people: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfForum:
    """A fact about one forum."""

    forum: str
    """Its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError(_OfForum):
    """Why the work on a question failed, without its text."""

    external_id: str
    attempts: int
    error: str
    at: datetime
    """When it failed last."""
    is_set_aside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many questions of a lane were done."""

    lane: str
    last_minute: int
    last_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFacts(_OfForum):
    """How a webhook is doing."""

    url: str
    is_disabled: bool
    notice: str | None
    failures: int
    late: int
    """Deliveries that have been due for more than ten minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFacts(_OfForum):
    """An archive that is not done."""

    id: int
    name: str
    state: str
    stage: str
    error: str | None
    stuck: int
    """Units that failed too often."""


def server(connection: Connection) -> Server:
    """Return what the server reports about itself."""
    return Server(**connection.execute(_SERVER).mappings().one())


def revisions(connection: Connection) -> set[str]:
    """Return the newest migrations of the schema; none if there is no schema."""
    if connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar_one() is None:
        return set()
    return set(connection.scalars(_REVISIONS))


def forums(connection: Connection) -> list[ForumFacts]:
    """Return the forums and how much work waits in each."""
    return [ForumFacts(**row) for row in connection.execute(_FORUMS).mappings()]


def last_errors(connection: Connection, *, limit: int) -> list[LastError]:
    """Return the latest errors of work on questions, the newest first."""
    return [LastError(**row) for row in connection.execute(_ERRORS, {"limit": limit}).mappings()]


def rates(connection: Connection) -> list[Rate]:
    """Return what was done lately in each lane."""
    found = connection.execute(_DONE).all()
    return [
        Rate(lane=row[0], last_minute=int(row[1] or 0), last_hour=int(row[2] or 0)) for row in found
    ]


def webhooks(connection: Connection) -> list[WebhookFacts]:
    """Return all webhooks."""
    return [WebhookFacts(**row) for row in connection.execute(_WEBHOOKS).mappings()]


def unfinished_archives(connection: Connection) -> list[ArchiveFacts]:
    """Return the newest archives that are not done."""
    return [ArchiveFacts(**row) for row in connection.execute(_ARCHIVES).mappings()]


def oldest_by_class(connection: Connection) -> dict[tuple[str, str], float]:
    """Return the age in seconds of the oldest due work by lane and kind of forum.

    A forum with `BUSY` or more waiting questions in the lane is busy, any other is quiet. If quiet
    forums wait long, the lane is not shared fairly.
    """
    oldest: dict[tuple[str, str], float] = {}
    for lane, kind, age_s in connection.execute(_CLASSES, {"busy": BUSY}):
        oldest[lane, kind] = max(float(age_s), oldest.get((lane, kind), 0.0))
    return oldest


def decided_lately(connection: Connection) -> dict[str, int]:
    """Return how many flagged pairs people confirmed or refused in the last 30 days."""
    return {row[0]: int(row[1]) for row in connection.execute(_DECIDED)}


def deliveries(connection: Connection) -> dict[str, int]:
    """Return how many deliveries to webhooks wait, are late, or were given up in the last day."""
    return {row[0]: int(row[1]) for row in connection.execute(_DELIVERIES)}


def archive_states(connection: Connection) -> dict[tuple[str, str], int]:
    """Return how many archives there are by state and stage."""
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(_ARCHIVE_STATES)}


def count_blocked(connection: Connection) -> int:
    """Return how many sessions have waited for another one for half a minute."""
    return int(connection.execute(_BLOCKED).scalar_one())
