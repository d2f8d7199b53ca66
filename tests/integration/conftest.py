"""What tests on real servers and real models share."""

import io
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr

import pytest

from worker.inference import export


@pytest.fixture
def exported_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Export in this process, which has PyTorch loaded: half a minute less a model."""

    def run(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        told = io.StringIO()
        with redirect_stderr(told):
            status = export.main(*command[-3:])
        return subprocess.CompletedProcess(command, status, stderr=told.getvalue())

    monkeypatch.setattr("worker.inference.export.subprocess.run", run)
