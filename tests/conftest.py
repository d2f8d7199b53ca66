"""Real servers for the tests: Postgres with pgvector and Redis, started once a run.

Under pytest-xdist the main process starts the servers, and every worker has databases of its own in
them. So tests that commit, or flush Redis, do not affect each other.
"""

import gc
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import pytest
import redis
import structlog
from argon2 import PasswordHasher
from fastapi import routing
from hypothesis import settings
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from cli.running.embedded import Addresses
from cli.running.service import running_servers, settings_of
from db.engine import make_engine
from db.tenants import people

# Before anything loads PyTorch: the tests run side by side, and threads that share small batches
# spend more time waiting for each other than working. Processes started by a test inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # noqa: TID251  # no setting of ours
# The same models on every machine, also if others were made ready there.
os.environ.setdefault("ASKEDBEFORE_PROFILE", "fast")  # noqa: TID251  # for processes too
# A nearly full disk of the machine fails no test; those of full disks set their own limits.
os.environ.setdefault("ASKEDBEFORE_UPLOAD_FREE_BYTES", "0")  # noqa: TID251  # for processes too

# The same examples in every run, and no time limit for one: neither chance nor a busy machine may
# fail a test. `--hypothesis-profile default` looks for others.
# `make test` takes the few, `make test-long` the many.
_SURE = settings(deadline=None, derandomize=True, database=None)
settings.register_profile("few", _SURE, max_examples=15)
settings.register_profile("sure", _SURE, max_examples=50)
settings.load_profile("sure")

_MIGRATED = pytest.StashKey[Addresses]()
_TABLES = (
    "SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class"
    " WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'"
    " AND relnamespace = 'public'::regnamespace"
)
_PARTITIONS = (
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'embeddings'::regclass"
)
_FEW_ROWS = 1_000
_FEW_BYTES = 2_000_000
"""Size of a table above which it is truncated: deleted rows stay in it without vacuum."""
_SERVER = {
    # These settings matter only if the machine crashes.
    "fsync": "off",
    "full_page_writes": "off",
    # Autovacuum would analyse tables that a test has just emptied, and the planner would take them
    # for empty in the next test too.
    "autovacuum": "off",
    "max_wal_size": "1GB",  # more would fill a small disk
    "checkpoint_timeout": "1h",
}
_WORKERS = 8
"""Most workers: Redis has sixteen databases, and a worker uses two."""


def pytest_configure() -> None:
    """Leave garbage alone until all modules are loaded, because nearly nothing of them is any."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep the modules and tests out of later collections, which had little else to look at."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores, because a test waits for a fifth of its time."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of pytest-xdist the servers' addresses; start them for the first one."""
    node.workerinput["servers"] = asdict(_migrated(node.config))


def _migrated(config: pytest.Config) -> Addresses:
    """Return the servers of the run, with a migrated database without connections."""
    given = getattr(config, "workerinput", {}).get("servers")
    if given is not None:
        return Addresses(**given)
    if _MIGRATED not in config.stash:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        servers = stack.enter_context(running_servers())
        _hurry(servers.engine)
        servers.engine.dispose()
        found = servers.running
        config.stash[_MIGRATED] = Addresses(found.database_url, found.redis_url)
    return config.stash[_MIGRATED]


def _hurry(engine: Engine) -> None:
    """Make Postgres faster: it does not wait for the disk and runs no autovacuum."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting, value in _SERVER.items():
            connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = '{value}'")
        connection.exec_driver_sql("SELECT pg_reload_conf()")


def copy_of_servers(config: pytest.Config, purpose: str) -> Addresses:
    """Return an own copy of the migrated database, and a Redis database that no other test has."""
    migrated = _migrated(config)
    worker = getattr(config, "workerinput", {}).get("workerid", "gw0")
    number = int(worker.removeprefix("gw")) % _WORKERS
    url = make_url(migrated.database_url)
    name = f"{purpose}_{worker}"
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {url.database}")
    engine.dispose()
    return Addresses(
        database_url=url.set(database=name).render_as_string(hide_password=False),
        redis_url=f"{migrated.redis_url}?db={2 * number + (purpose != 'tests')}",
    )


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords at the lowest cost: nearly every test of reviewing creates people."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(people, "_hasher", quick)
        yield
    people._decoy.cache_clear()  # noqa: SLF001  # it was hashed at the least cost


@pytest.fixture(scope="session", autouse=True)
def routes_built_once() -> Iterator[None]:
    """Build each route of the API once: FastAPI does it for every app, and each test has one."""
    context = routing._EffectiveRouteContext  # noqa: SLF001  # nothing public leads to it
    build, built = context.from_api_route, dict[int, Any]()

    def once(*, original_route: Any, include_context: Any) -> Any:
        key = id(original_route)  # no other route gets it: what is built holds its route
        if key not in built:
            built[key] = build(original_route=original_route, include_context=include_context)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(context, "from_api_route", once)
        yield


@pytest.fixture(autouse=True)
def logs_of_nobody_else() -> None:
    """Reset the logging that a command of an earlier test has set up in this process."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Addresses:
    return copy_of_servers(request.config, "tests")


@pytest.fixture(scope="session")
def engine(servers: Addresses) -> Iterator[Engine]:
    engine = make_engine(settings_of(servers.database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def sessions(connection: Connection) -> sessionmaker[Session]:
    """Sessions of one transaction that is rolled back: other tests see nothing of it."""
    return sessionmaker(
        connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    )


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions.begin() as session:
        yield session


@pytest.fixture
def committed(engine: Engine) -> Iterator[sessionmaker[Session]]:
    """Sessions that really commit, for tests with several connections; emptied afterwards."""
    yield sessionmaker(engine, expire_on_commit=False)
    empty(engine)


def empty(engine: Engine) -> None:
    """Delete all committed rows, when no process writes any more.

    Deleting few rows of few tables costs a tenth of truncating all tables.
    """
    with engine.begin() as connection:
        sizes = {str(name): int(size) for name, size in connection.exec_driver_sql(_TABLES)}
        names = ", ".join(sizes)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        for name in connection.exec_driver_sql(_PARTITIONS).scalars().all():
            connection.exec_driver_sql(f"DROP TABLE {name}")
        filled = _filled(connection, sizes)
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no triggers
        if max(filled.values(), default=0) > _FEW_ROWS or max(sizes.values()) > _FEW_BYTES:
            connection.exec_driver_sql(f"TRUNCATE {names}")
            return
        for name in filled:
            connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608  # of the catalogue


def _filled(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the tables with rows, and the number of rows up to just above `_FEW_ROWS`."""
    counts = " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM (SELECT FROM {name} LIMIT {_FEW_ROWS + 1}) AS few"  # noqa: S608
        for name in names
    )
    return {name: count for name, count in connection.exec_driver_sql(counts) if count}


@pytest.fixture
def redis_url(servers: Addresses) -> Iterator[str]:
    yield servers.redis_url
    client = redis.Redis.from_url(servers.redis_url)
    client.flushdb()
    client.close()
