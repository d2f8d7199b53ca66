"""Fixtures for tests with real servers and real models."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.vectors.rows import ModelKind
from worker.weights import export


@pytest.fixture
def exported_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export models in this process, which has loaded PyTorch: half a minute less for each."""
    monkeypatch.setattr(export, "_exporting_apart", _exporting_here)


@contextmanager
def _exporting_here(kind: ModelKind, folder: Path, made: Path) -> Iterator[None]:
    from worker.inference.torch_backend import read  # noqa: PLC0415  # loads PyTorch

    yield
    export.export(read(kind, folder, attention="eager"), made)
