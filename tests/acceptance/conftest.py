"""The whole service as it runs on a bare machine: embedded servers, API, worker, beat."""

from collections.abc import Iterator

import pytest

from cli.running.home import Running
from cli.running.service import Servers, Service, running_service, settings_of
from db.engine import make_engine
from tests.conftest import copy_of_servers
from tests.otlp_receiver import Receiver, receiving

FAST = {
    "ASKEDBEFORE_SLICE_S": "0.5",
    "ASKEDBEFORE_SOFT_TIME_LIMIT_S": "20",
    "ASKEDBEFORE_TIME_LIMIT_S": "25",
    "ASKEDBEFORE_LEASE_S": "26",
    "ASKEDBEFORE_VISIBILITY_TIMEOUT_S": "30",
    "ASKEDBEFORE_SWEEP_S": "1",
    "ASKEDBEFORE_PROOF_S": "2",
    # Only who names a trace is traced: nobody else pays for it.
    "ASKEDBEFORE_TRACES": "true",
    "OTEL_TRACES_SAMPLER": "parentbased_always_off",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
}


@pytest.fixture(scope="session")
def collector() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    collector: Receiver,
) -> Iterator[Service]:
    own = copy_of_servers(request.config, "stack")
    engine = make_engine(settings_of(own.database_url))
    running = Running(own.database_url, own.redis_url, "0123456789abcdef" * 2)
    servers = Servers(folder=tmp_path_factory.mktemp("stack"), running=running, engine=engine)
    settings = {**FAST, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
    with running_service(servers, settings=settings) as service:
        yield service
    engine.dispose()
