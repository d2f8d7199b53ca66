"""`askedbefore doctor` finds each fault that is put into the service, and says what to do."""

import json
import os
import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import trustme
from sqlalchemy import Connection, Engine, create_engine, text

from cli.examining.doctor import CHECKS, examine
from cli.examining.finding import Patient
from cli.running.embedded import Addresses
from db import facts, schema
from db.engine import make_sessions
from tests.command import run
from tests.conftest import copy_of_servers, empty
from tests.integration.db.two_forums import make_two
from tests.servers.tls import TlsProxy
from worker.scheduling.beat import KEY as BEAT_KEY

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024  # as shutil returns it


@dataclass(frozen=True, slots=True)
class Ward:
    """What a fault can be put into."""

    patch: pytest.MonkeyPatch
    engine: Engine
    redis: redis.Redis
    after: ExitStack
    """Ends what a fault has started."""

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self.patch.setenv(f"ASKEDBEFORE_{name.upper()}", value)

    def name_file(self, name: str, path: str) -> None:
        self.patch.delenv(f"ASKEDBEFORE_{name}")
        self.patch.setenv(f"ASKEDBEFORE_{name}_FILE", path)

    def become_a_role_without_rights(self) -> None:
        self.run("DROP ROLE IF EXISTS newcomer", "CREATE ROLE newcomer LOGIN")
        url = self.engine.url.set(username="newcomer")
        self.set(database_url=url.render_as_string(hide_password=False))

    def redis_with_tls(self) -> str:
        """Return the address of a Redis that speaks TLS, and for which nobody vouches."""
        path = Path(urlsplit(os.environ["ASKEDBEFORE_REDIS_URL"]).path)  # noqa: TID251
        proxy = TlsProxy(path, trustme.CA(), "localhost")
        self.after.callback(proxy.close)
        return f"rediss://localhost:{proxy.port}/0"

    def postgres_without_tls(self) -> str:
        """Return the address of a Postgres that declines TLS, where it is required."""
        listener = self.after.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.after.callback(listener.shutdown, socket.SHUT_RDWR)

        def decline() -> None:
            with suppress(OSError):
                while True:
                    asks, _ = listener.accept()
                    with asks:
                        asks.recv(8)
                        asks.sendall(b"N")

        threading.Thread(target=decline, daemon=True).start()
        return f"postgresql://a@localhost:{listener.getsockname()[1]}/b?sslmode=require"

    def server_says(self, **changed: object) -> None:
        real = facts.server

        def told(connection: Connection) -> facts.Server:
            found = real(connection)
            names = facts.Server.__dataclass_fields__
            held: dict[str, Any] = {name: getattr(found, name) for name in names}
            return facts.Server(**held | changed)

        self.patch.setattr(facts, "server", told)


@contextmanager
def kept(client: redis.Redis, **settings: str) -> Iterator[None]:
    before = {name: str(client.config_get(name)[name]) for name in settings}
    for name, value in settings.items():
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


HEALTHY = (
    "UPDATE webhooks SET disabled_at = NULL",
    "UPDATE webhook_deliveries SET delivered_at = now()",
    "UPDATE jobs SET failed_at = NULL, error = NULL, created_at = now()",
    "UPDATE archives SET state = 'running'",
    """INSERT INTO heartbeats (worker, device, bi_encoder, reranker, proof_ms, proved_at)
    SELECT 'one', 'cpu', bi.name, other.name, 20, now() FROM models bi, models other
    WHERE bi.kind = 'bi-encoder' AND bi.active AND other.kind = 'reranker' AND other.active""",
)


@pytest.fixture(scope="module")
def hospital(request: pytest.FixtureRequest) -> Addresses:
    return copy_of_servers(request.config, "ward")


@pytest.fixture(scope="module")
def house(hospital: Addresses) -> Iterator[Engine]:
    engine = create_engine(hospital.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ward(
    hospital: Addresses,
    house: Engine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Ward]:
    client = redis.Redis.from_url(hospital.redis_url)
    after = ExitStack()
    made = Ward(monkeypatch, house, client, after)
    made.set(
        database_url=hospital.database_url,
        redis_url=hospital.redis_url,
        secret_key="0a" * 32,
        public_url="https://duplicates.example",
        model_cache=str(tmp_path),
    )
    with make_sessions(house).begin() as session:
        make_two(session)
    made.run(*HEALTHY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**12))
    client.set(BEAT_KEY, "one", ex=600)
    with kept(client, **{"maxmemory-policy": "noeviction", "save": "", "appendonly": "no"}):
        yield made
    after.close()
    client.close()
    empty(house)
    made.run("TRUNCATE people CASCADE")


@pytest.mark.usefixtures("ward")
def test_a_healthy_service_has_no_fault() -> None:
    patient = Patient()

    found = examine(patient)

    assert [one for one in found if not one.ok] == []
    assert [one.name for one in found] == list(CHECKS)
    patient.engine.dispose()


Induce = Callable[[Ward], object]
_JOB = "UPDATE jobs SET lane = 'live', due_at = now() - interval '1 minute'"

_DROP_INDEX = """DO $$ DECLARE name text; BEGIN
    SELECT indexname INTO name FROM pg_indexes WHERE indexname ~ '^embeddings_m.*_vector$';
    EXECUTE 'DROP INDEX ' || name; END $$"""


def _lose_the_index(ward: Ward) -> None:
    ward.set(vector_memory_mb="0")
    ward.run(_DROP_INDEX)


FAULTS: dict[str, tuple[str, Induce, str, str]] = {
    "a database that is away": (
        "database",
        lambda ward: ward.set(database_url="postgresql://a@127.0.0.1:1/b"),
        "does not answer",
        "start it",
    ),
    "a database of another name": (
        "database",
        lambda ward: ward.set(
            database_url=ward.engine.url.set(database="nowhere").render_as_string(
                hide_password=False
            )
        ),
        "does not exist",
        "create the database",
    ),
    "a host that nobody knows": (
        "database",
        lambda ward: ward.set(database_url="postgresql://a:p@ss@nowhere.invalid/b"),
        "translate host name",
        "_PASSWORD_FILE",
    ),
    "no pgvector": (
        "pgvector",
        lambda ward: ward.server_says(installed=None, available=None),
        "no pgvector",
        "install pgvector",
    ),
    "an old pgvector": (
        "pgvector",
        lambda ward: ward.server_says(installed="0.8.1"),
        "lose entries of an index",
        "install 0.8.4",
    ),
    "an old schema": (
        "schema",
        lambda ward: ward.patch.setattr(facts, "revisions", lambda _: {"0003"}),
        "old: 0003",
        "askedbefore migrate",
    ),
    "a schema of a later version": (
        "schema",
        lambda ward: ward.patch.setattr(facts, "revisions", lambda _: {"9999"}),
        "later version",
        "restore the backup",
    ),
    "a database that takes no changes": (
        "writes",
        lambda ward: ward.patch.setattr(schema, "is_read_only", lambda _: True),
        "takes no changes",
        "primary",
    ),
    "connections that are used up": (
        "connections",
        lambda ward: ward.server_says(connections=99, most_connections=100),
        "99 of 100",
        "POOL_SIZE",
    ),
    "two clocks": (
        "clock",
        lambda ward: ward.server_says(clock=time.time() - 3_600),
        "database's clock is -36",
        "time server",
    ),
    "a queue that is away": (
        "queue",
        lambda ward: ward.set(redis_url="redis://127.0.0.1:1/0"),
        "Redis does not answer",
        "ASKEDBEFORE_REDIS_URL",
    ),
    "a queue that drops": (
        "queue settings",
        lambda ward: ward.redis.config_set("maxmemory-policy", "allkeys-lru"),
        "drops messages",
        "noeviction",
    ),
    "a queue that stores": (
        "queue settings",
        lambda ward: ward.redis.config_set("save", "60 1"),
        "stores on disk",
        "CONFIG SET save",
    ),
    "a secret in a file that is not there": (
        "settings",
        lambda ward: ward.name_file("SECRET_KEY", "/nowhere/key"),
        "/nowhere/key cannot be read",
        "correct what it names",
    ),
    "a role without rights": (
        "schema",
        lambda ward: ward.become_a_role_without_rights(),
        "permission denied",
        "--api-role",
    ),
    "a cache that is a file": (
        "model cache",
        lambda ward: ward.set(model_cache=__file__),
        "cannot be written",
        "ASKEDBEFORE_MODEL_CACHE",
    ),
    "no beat": (
        "beat",
        # Another key: a beat of another test may take the one that is deleted here.
        lambda ward: ward.patch.setattr("cli.examining.servers.BEAT_KEY", "nobody's beat"),
        "no beat runs",
        "askedbefore beat",
    ),
    "a queue that speaks TLS with a certificate of nobody": (
        "queue",
        lambda ward: ward.set(redis_url=ward.redis_with_tls()),
        "certificate verify failed",
        "?ssl_ca_certs=FILE",
    ),
    "a database without TLS where it is wanted": (
        "database",
        lambda ward: ward.set(database_url=ward.postgres_without_tls()),
        "server does not support SSL",
        "sslmode",
    ),
    "settings that cannot be": (
        "settings",
        lambda ward: ward.set(secret_key="short"),  # noqa: S106
        "at least 32 characters",
        "docs/settings.md",
    ),
    "cookies that are not Secure": (
        "settings",
        lambda ward: ward.set(public_url="http://duplicates.example"),
        "not Secure",
        "TLS",
    ),
    "a full disk": (
        "disk",
        lambda ward: ward.patch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 10**6)),
        "1 MB left",
        "make room",
    ),
    "a cache that cannot be written": (
        "model cache",
        lambda ward: ward.patch.setattr("cli.examining.machine.os.access", lambda *_: False),
        "cannot be written",
        "ASKEDBEFORE_MODEL_CACHE",
    ),
    "a model folder that is not there": (
        "chosen models",
        lambda ward: ward.set(bi_encoder="/nowhere/model"),
        "no folder /nowhere/model",
        "ASKEDBEFORE_BI_ENCODER",
    ),
    "telemetry": (
        "telemetry",
        lambda ward: ward.patch.setenv("ORT_DISABLE_TELEMETRY", "0"),
        "send telemetry",
        "unset ORT_DISABLE_TELEMETRY",
    ),
    "no active model": (
        "models",
        lambda ward: ward.run("UPDATE models SET active = false"),
        "no model is active",
        "start a worker",
    ),
    "no vector index": (
        "vector index",
        _lose_the_index,
        "no vector index",
        "models activate",
    ),
    "no worker": (
        "workers",
        lambda ward: ward.run("DELETE FROM heartbeats"),
        "no worker has run its models",
        "askedbefore worker",
    ),
    "a worker with other models": (
        "workers",
        lambda ward: ward.run("UPDATE heartbeats SET reranker = 'the old one'"),
        "not the active models",
        "next batch",
    ),
    "a worker that could not export": (
        "workers",
        lambda ward: ward.run("UPDATE heartbeats SET device = 'cpu, PyTorch: export failed'"),
        "runs its models in PyTorch",
        "1.3 GB",
    ),
    "a worker that crawls": (
        "workers",
        lambda ward: ward.run("UPDATE heartbeats SET proof_ms = 9000"),
        "9,000 ms",
        "ASKEDBEFORE_THREADS",
    ),
    "a queue of questions that stands still": (
        "waiting",
        lambda ward: ward.run(f"{_JOB}, created_at = now() - interval '2 hours'"),
        "120 minutes",
        "add workers",
    ),
    "questions that failed": (
        "set aside",
        lambda ward: ward.run("UPDATE jobs SET failed_at = now(), error = 'out of memory'"),
        "out of memory",
        "askedbefore retry",
    ),
    "an archive that could not be read": (
        "archives",
        lambda ward: ward.run("UPDATE archives SET state = 'failed', error = 'no column title'"),
        "no column title",
        "archives cancel",
    ),
    "an archive that is stuck": (
        "archives",
        lambda ward: ward.run("UPDATE archive_units SET attempts = 5, done_at = NULL"),
        "failed five times",
        "resume",
    ),
    "a webhook that was switched off": (
        "webhooks",
        lambda ward: ward.run("UPDATE webhooks SET disabled_at = now(), notice = '410 Gone'"),
        "410 Gone",
        "enable",
    ),
    "webhooks that nobody sends": (
        "webhooks",
        lambda ward: ward.run(
            "UPDATE webhook_deliveries SET delivered_at = NULL, given_up_at = NULL,"
            " due_at = now() - interval '1 hour'"
        ),
        "ten minutes late",
        "check that workers",
    ),
    "a forum that is full": (
        "forums",
        lambda ward: ward.run("UPDATE forums SET pending_limit = 1", "UPDATE jobs SET lane='live'"),
        "refuses questions",
        "--pending-limit",
    ),
    "a forum without a key": (
        "forums",
        lambda ward: ward.run("UPDATE api_keys SET revoked_at = now()"),
        "no valid key",
        "keys create",
    ),
    "a forum without people": (
        "forums",
        lambda ward: ward.run("UPDATE people SET disabled_at = now()"),
        "has no moderator",
        "people add",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_the_remedy_is_named(ward: Ward, fault: str) -> None:
    name, induce, said, fix = FAULTS[fault]
    patient = Patient()
    induce(ward)

    ill = {one.name: one for one in examine(patient) if not one.ok}
    patient.engine.dispose()

    assert all(one.fix for one in ill.values())
    assert name in ill
    assert said in ill[name].said
    assert fix in ill[name].fix


def test_the_command_prints_json_and_ends_with_1_where_there_is_a_fault(
    ward: Ward, tmp_path: Path
) -> None:
    good = run(tmp_path, "doctor", "--json")
    ward.run("DELETE FROM heartbeats")
    bad = run(tmp_path, "doctor", "--json")

    assert (good.returncode, bad.returncode) == (0, 1)
    assert {one["name"]: one["ok"] for one in json.loads(bad.stdout)}["workers"] is False


@pytest.mark.usefixtures("ward")
def test_status_shows_the_same_to_people_and_to_programs(tmp_path: Path) -> None:
    shown = run(tmp_path, "status", "--once")
    told = json.loads(run(tmp_path, "status", "--json").stdout)

    assert shown.returncode == 0
    assert [lane["lane"] for lane in told["lanes"]] == ["live", "archive"]
    assert told["workers"][0]["worker"] == "one"
    assert all(one["name"] in shown.stdout for one in told["forums"])
