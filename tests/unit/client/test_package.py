"""The client is small: it brings httpx and nothing else."""

import subprocess
import sys
import tomllib

from tests.documents import ROOT


def test_the_client_needs_httpx_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text("utf-8"))["project"]
    script = (
        "import sys, askedbefore_client\n"
        "print([name for name in ('torch', 'sqlalchemy', 'db', 'worker') if name in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT / "client")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert project["dependencies"] == ["httpx>=0.28,<1"]
    assert loaded.stdout == "[]\n"
