"""Real servers for the tests: embedded Postgres with pgvector and Redis, started once a run."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

from cli.embedded import Addresses, EmbeddedServers
from db import schema
from db.engine import make_engine
from db.settings import DatabaseSettings

# Before anything loads PyTorch: the tests run side by side, and threads that share small batches
# spend more time waiting for each other than working. Processes started by a test inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # noqa: TID251  # no setting of ours


@pytest.fixture(scope="session")
def servers() -> Iterator[Addresses]:
    # Not pytest's own folder: a socket's path must stay under 107 characters.
    with (
        tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder,
        EmbeddedServers(Path(folder)) as started,
    ):
        yield started.addresses


@pytest.fixture(scope="session")
def engine(servers: Addresses) -> Iterator[Engine]:
    engine = make_engine(DatabaseSettings.model_validate({"database_url": servers.database_url}))
    schema.upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def sessions(connection: Connection) -> sessionmaker[Session]:
    """Sessions of one transaction that is rolled back: what a test commits, no other test sees."""
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
    tables = "forums, models, api_keys, heartbeats"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} CASCADE")
        partitions = connection.exec_driver_sql(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'embeddings'::regclass"
        ).scalars()
        for name in list(partitions):
            connection.exec_driver_sql(f"DROP TABLE {name}")


@pytest.fixture
def redis_url(servers: Addresses) -> Iterator[str]:
    yield servers.redis_url
    client = redis.Redis.from_url(servers.redis_url)
    client.flushall()
    client.close()
