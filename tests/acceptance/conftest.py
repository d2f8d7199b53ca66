"""The whole service as it runs on a bare machine: embedded servers, API, worker, beat."""

from collections.abc import Iterator

import pytest

from cli.running.home import Running
from cli.running.service import Servers, Service, running_service, settings_of
from db.engine import make_engine
from tests.conftest import copy_of_servers
from tests.servers.collector import Collector, collecting

FAST = {
    "ASKEDBEFORE_SLICE_S": "0.5",
    "ASKEDBEFORE_SOFT_TIME_LIMIT_S": "8",
    "ASKEDBEFORE_TIME_LIMIT_S": "9",
    "ASKEDBEFORE_LEASE_S": "10",
    "ASKEDBEFORE_VISIBILITY_TIMEOUT_S": "11",
    "ASKEDBEFORE_SWEEP_S": "1",
    "ASKEDBEFORE_PROOF_S": "2",
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    collector: Collector,  # it ends after the service, which sends its last spans at its end
) -> Iterator[Service]:
    own = copy_of_servers(request.config, "stack")
    engine = make_engine(settings_of(own.database_url))
    running = Running(own.database_url, own.redis_url, "0123456789abcdef" * 2)
    servers = Servers(folder=tmp_path_factory.mktemp("stack"), running=running, engine=engine)
    traces = {
        "ASKEDBEFORE_TRACES": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with running_service(servers, settings=FAST | traces) as service:
        yield service
    engine.dispose()
