"""Where commands believe the service to be."""

from pathlib import Path

import pytest

from cli.connect import address
from cli.running.embedded import Addresses
from cli.running.home import hold


@pytest.fixture(autouse=True)
def no_servers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASKEDBEFORE_DATABASE_URL", raising=False)


def test_a_link_leads_to_the_port_on_which_up_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Addresses("postgresql://", "unix://")
    with hold(tmp_path, lambda: servers, url="http://127.0.0.1:8017"):
        while_up = address(tmp_path)
        monkeypatch.setenv("ASKEDBEFORE_DATABASE_URL", "postgresql://elsewhere/askedbefore")
        of_others = address(tmp_path)

    assert while_up == "http://127.0.0.1:8017"
    assert of_others == "http://127.0.0.1:8000"


def test_without_up_it_is_the_usual_port(tmp_path: Path) -> None:
    assert address(tmp_path) == "http://127.0.0.1:8000"
