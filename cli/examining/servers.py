"""Checks of Postgres and Redis."""

import time

import redis
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from cli.examining.finding import FaultError, Patient
from db import facts, schema
from db.wording import counted
from worker.scheduling.beat import KEY as BEAT_KEY

MINIMUM_PGVECTOR = (0, 8, 4)
_CROWDED = 0.85
_SKEW_S = 5.0
_FULL = 0.8


def database(patient: Patient) -> str:
    """Say which server answers."""
    try:
        with patient.engine.connect() as connection:
            found = facts.server(connection)
    except DBAPIError as error:
        raise _unreachable(str(error.orig).strip()) from error
    return f"Postgres {found.version}, {found.size / 1e6:,.0f} MB"


def _unreachable(said: str) -> FaultError:
    if "SSL" in said or "certificate" in said:
        return FaultError(
            f"TLS between here and Postgres failed: {said}",
            "correct sslmode in ASKEDBEFORE_DATABASE_URL; for your own certificate authority add"
            " sslrootcert=FILE",
        )
    if "password authentication failed" in said or "no password supplied" in said:
        return FaultError(
            "Postgres refuses the password",
            "put the password of the role into ASKEDBEFORE_DATABASE_URL or"
            " ASKEDBEFORE_DATABASE_PASSWORD_FILE, or change it with ALTER ROLE (docs/trouble.md)",
        )
    if "does not exist" in said:
        return FaultError(said, "create the database, or correct its name in the address")
    if "could not translate host name" in said:
        return FaultError(
            said,
            "correct the host in ASKEDBEFORE_DATABASE_URL; write @ and / of a password as %40 and"
            " %2F, or put the password into ASKEDBEFORE_DATABASE_PASSWORD_FILE",
        )
    if "too many clients" in said or "remaining connection slots" in said:
        return FaultError(said, "lower ASKEDBEFORE_POOL_SIZE or raise max_connections")
    return FaultError(
        f"Postgres does not answer: {said}", "start it, or correct ASKEDBEFORE_DATABASE_URL"
    )


def pgvector(patient: Patient) -> str:
    """Say which pgvector is there."""
    with patient.engine.connect() as connection:
        found = facts.server(connection)
    version = found.installed or found.available
    if version is None:
        raise FaultError("Postgres has no pgvector", "install pgvector 0.8.4 or newer")
    if tuple(int(part) for part in version.split(".")) < MINIMUM_PGVECTOR:
        raise FaultError(
            f"pgvector {version} can lose entries of an index during VACUUM",
            "install 0.8.4 or newer, then run ALTER EXTENSION vector UPDATE and REINDEX",
        )
    return version


def schema_is_new(patient: Patient) -> str:
    """Say whether the schema is that of this version."""
    with patient.engine.connect() as connection:
        found = facts.revisions(connection)
    script = ScriptDirectory.from_config(schema.configuration())
    known = {one.revision for one in script.walk_revisions()}
    if not found <= known:
        raise FaultError(
            f"the schema {', '.join(sorted(found))} belongs to a later version than this program",
            "start that version again, or restore the backup from before the upgrade",
        )
    if found != set(script.get_heads()):
        at = ", ".join(sorted(found)) or "nothing"
        raise FaultError(f"the schema is old: {at}", "run `askedbefore migrate`")
    return "newest"


def writes(patient: Patient) -> str:
    """Say whether the database takes changes."""
    with patient.engine.connect() as connection:
        if schema.is_read_only(connection):
            raise FaultError(
                "the database takes no changes",
                "set ASKEDBEFORE_DATABASE_URL to the primary; after a failover switch"
                " default_transaction_read_only off, after a full disk make room first",
            )
        blocked = facts.count_blocked(connection)
    if blocked:
        raise FaultError(
            f"{counted(blocked, 'session has', 'sessions have')} waited for another one for more"
            " than 30 s",
            "find the session that blocks them with pg_stat_activity and pg_blocking_pids, and end"
            " it",
        )
    return "possible"


def connections(patient: Patient) -> str:
    """Say how many connections are left."""
    with patient.engine.connect() as connection:
        found = facts.server(connection)
    said = f"{found.connections} of {found.most_connections} in use"
    if found.connections > _CROWDED * found.most_connections:
        raise FaultError(said, "lower ASKEDBEFORE_POOL_SIZE or raise Postgres' max_connections")
    return said


def clock(patient: Patient) -> str:
    """Say whether this machine and the database agree on the time."""
    with patient.engine.connect() as connection:
        apart_s = facts.server(connection).clock - time.time()
    if abs(apart_s) > _SKEW_S:
        raise FaultError(
            f"the database's clock is {apart_s:+.0f} s from this machine's",
            "let both use a time server: signatures of webhooks and sign-ins depend on the time",
        )
    return "agrees with the database's"


def broker(patient: Patient) -> str:
    """Say which Redis answers."""
    try:
        patient.redis.set("askedbefore:doctor", "1", ex=5)
        info = patient.redis.info("server")
    except redis.AuthenticationError as error:
        raise FaultError(
            f"Redis refuses the password: {error}",
            "put the server's requirepass into ASKEDBEFORE_REDIS_URL or"
            " ASKEDBEFORE_REDIS_PASSWORD_FILE",
        ) from error
    except redis.exceptions.OutOfMemoryError as error:
        raise FaultError("Redis is full and takes no messages", "raise its maxmemory") from error
    except redis.exceptions.ReadOnlyError as error:
        raise FaultError("Redis is a replica that takes no writes", "use its primary") from error
    except redis.RedisError as error:
        if "certificate" in str(error).lower() or "ssl" in str(error).lower():
            raise FaultError(
                f"TLS between here and Redis failed: {error}",
                "in ASKEDBEFORE_REDIS_URL, rediss:// is with TLS and redis:// without; for your own"
                " certificate authority add ?ssl_ca_certs=FILE",
            ) from error
        raise FaultError(
            f"Redis does not answer: {error}",
            "start it, or correct ASKEDBEFORE_REDIS_URL; until then workers look for work every"
            " ASKEDBEFORE_SWEEP_S seconds, and checks fail",
        ) from error
    return f"Redis {info['redis_version']}"


def beat(patient: Patient) -> str:
    """Say whether a beat sends the periodic tasks."""
    if not patient.redis.exists(BEAT_KEY):
        raise FaultError(
            "no beat runs: the workers do the periodic tasks themselves, but later",
            "start `askedbefore beat`, one for all workers, or read its log",
        )
    return "runs"


def broker_settings(patient: Patient) -> str:
    """Say whether Redis drops or stores what it must not."""
    try:
        said = {
            name: patient.redis.config_get(name)[name]  # Redis 6 takes one name in a call
            for name in ("maxmemory-policy", "save", "appendonly")
        }
    except redis.ResponseError:
        return "not checked: this user may not run CONFIG to read maxmemory-policy and persistence"
    if said["maxmemory-policy"] != "noeviction":
        raise FaultError(
            f"Redis drops messages when it is full ({said['maxmemory-policy']})",
            "run CONFIG SET maxmemory-policy noeviction, and write it into Redis' configuration",
        )
    if said["save"] or said["appendonly"] == "yes":
        raise FaultError(
            "Redis stores on disk, but texts of checks must not be stored",
            'run CONFIG SET save "" and CONFIG SET appendonly no, and remove its files',
        )
    return "drops nothing, stores nothing"


def broker_memory(patient: Patient) -> str:
    """Say how full Redis is."""
    info = patient.redis.info("memory")
    most, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
    if most and used > _FULL * most:
        raise FaultError(
            f"Redis uses {used / 1e6:.0f} of {most / 1e6:.0f} MB",
            "raise maxmemory, or find other users of this Redis: the service needs a few MB",
        )
    return f"{used / 1e6:.0f} MB used"
