"""The test of a module is found by its path, and every test says something that can be wrong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("unit", "integration")
SOURCES = (ROOT, ROOT / "client" / "askedbefore_client", ROOT / "integrations" / "django")
APART = "_apart"
"""Ends the name of a module of tests whose rows are committed, beside that of the others."""
ACROSS: dict[str, str] = {
    "api/console/test_pages.py": "every page",
    "api/console/test_rights.py": "every page, by who asks",
    "api/http/test_collisions.py": "requests that meet",
    "api/test_other_forums.py": "every call, by a stranger's key",
    "askedbefore_django/test_outbox.py": "from the signal to the service",
    "askedbefore_django/test_settings.py": "the settings of the package",
    "cli/running/test_up_models.py": "the models of a first start",
    "cli/test_for_programs.py": "--json of every command",
    "cli/test_help.py": "the help of every command",
    "client/test_package.py": "what is packed",
    "db/keeping/test_moving.py": "a forum's export and its import",
    "db/outbox/test_data.py": "the data of every kind of event",
    "db/test_api_role.py": "the rights of the API in Postgres",
    "db/test_modules.py": "every module of queries",
    "db/test_rooms.py": "every room",
    "db/vectors/test_scope.py": "which questions are compared",
    "deploy/test_hosts.py": "the names of hosts in every proxy",
    "deploy/test_proxies.py": "the settings of every proxy",
    "deploy/test_watching.py": "the rules of Prometheus",
    "test_audit.py": "deploy/locks",
    "test_compose.py": "docker-compose.yml",
    "test_lean.py": "what each extra installs",
    "test_locks.py": "deploy/locks",
    "test_paths.py": "the tests",
    "test_settings.py": "every class of settings",
    "worker/archives/readers/test_any_table.py": "any table in any format",
    "worker/archives/readers/test_files.py": "the files in tests/files",
    "worker/archives/readers/test_hostile.py": "files made to do harm",
    "worker/archives/readers/test_loose.py": "files written by hand",
    "worker/archives/readers/test_writers.py": "what libraries write",
    "worker/delivery/test_fairness.py": "webhooks of many forums",
    "worker/inference/test_models.py": "every form of a model",
    "worker/live/test_overtaking.py": "edits that overtake the work",
    "worker/test_tracing.py": "traces through every process",
    "worker/text/test_facts.py": "the facts of questions that come in",
}
"""Modules of tests about more than one module, with what they are about."""


def modules() -> list[Path]:
    """Return the modules of tests, below the folder of their kind."""
    return sorted(
        path.relative_to(ROOT / "tests" / kind)
        for kind in KINDS
        for path in (ROOT / "tests" / kind).rglob("test_*.py")
    )


def _is_at_its_path(path: Path) -> bool:
    name = path.stem.removeprefix("test_").removesuffix(APART)
    folder = Path(*path.parts[1:-1]) if path.parts[0] == "client" else path.parent
    found = (source / folder / name for source in SOURCES)
    return folder.name == name or any(
        one.with_suffix(".py").exists() or one.is_dir() for one in found
    )


def test_a_module_of_tests_is_at_the_path_of_what_it_tests() -> None:
    lost = [str(path) for path in modules() if not _is_at_its_path(path)]

    assert sorted({*lost} - ACROSS.keys()) == []
    assert sorted(ACROSS.keys() - {*lost}) == []


def functions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def says_something(node: ast.AST, helpers: frozenset[str]) -> bool:
    """Return whether a function asserts, expects an error or a wait, or calls one that does."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            return True
        if isinstance(inner, ast.Call):
            called = inner.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in helpers:
                return True
    return False


SURE = frozenset({
    "raises", "warns", "fail", "wait_until", "call_and_validate", "expect", "assert_close"
})  # fmt: skip
"""Calls that fail by themselves if what is expected does not happen."""


@pytest.mark.parametrize("folder", [*KINDS, "acceptance", "faults"])
def test_every_test_can_fail(folder: str) -> None:
    silent = []
    for path in sorted((ROOT / "tests" / folder).rglob("*.py")):
        found = list(functions(path))
        helpers = SURE
        for _ in range(3):  # helpers of helpers
            telling = {name for name, node in found if says_something(node, helpers)}
            helpers = helpers | telling
        silent += [
            f"{path.name}::{name}"
            for name, node in found
            if name.startswith("test_") and not says_something(node, helpers)
        ]

    assert silent == []
