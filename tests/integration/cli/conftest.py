"""Data folders for commands: one without a service, and one whose service the tests run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running.embedded import Addresses
from cli.running.home import hold


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ab-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def running_home(servers: Addresses, home: Path) -> Iterator[Path]:
    """A data folder that points to the servers of the tests."""
    with hold(home, lambda: servers):
        yield home
