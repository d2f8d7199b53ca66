"""No module of queries is forgotten: whatever asks the database is shown to keep forums apart."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import db
from tests.integration.db.two_forums import TwoForums

HERE = Path(__file__).parent
_ASKS = re.compile(r"Session|Engine|Connection")
_OF_A_FORUM = re.compile(r"forum|(question|pair|group|archive|action|decision|webhook)(s|_ids?)?$")
INSTALLATION = {
    "db.engine",
    "db.facts",
    "db.keeping.backup",
    "db.keeping.copying",
    "db.keeping.restore",
    "db.schema",
    "db.tenants.attempts",
    "db.vectors.models",
    "db.vectors.partitions",
    "db.work.backlog",
    "db.work.workers",
}
"""Modules about the whole installation, without a forum."""
ELSEWHERE = {
    "db.keeping.forum_export": "keeping/test_moving.py",
    "db.keeping.forum_import": "keeping/test_moving.py",
    "db.keeping.retention": "keeping/test_retention.py",
}
"""What opens its own transactions, so that two forums need a database of their own."""


def _asking() -> Iterator[tuple[ModuleType, list[FunctionType]]]:
    """Yield each module of ``db`` with its public functions that ask the database."""
    for found in pkgutil.walk_packages(db.__path__, "db."):
        module = importlib.import_module(found.name)
        functions = [one for one in vars(module).values() if _asks(module, one)]
        if functions:
            yield module, functions


def _asks(module: ModuleType, one: object) -> bool:
    if not isinstance(one, FunctionType) or one.__module__ != module.__name__:
        return False
    told = inspect.signature(one).parameters.values()
    return not one.__name__.startswith("_") and any(_ASKS.search(f"{p.annotation}") for p in told)


def _kept_apart() -> set[str]:
    for path in HERE.rglob("test_*.py"):
        place = path.relative_to(HERE).with_suffix("").as_posix().replace("/", ".")
        importlib.import_module(f"tests.integration.db.{place}")
    return {one.module.__name__ for one in TwoForums.__subclasses__()}


def test_every_module_that_asks_the_database_is_tried_with_two_forums() -> None:
    asking = {module.__name__ for module, _ in _asking()}

    assert asking - INSTALLATION - ELSEWHERE.keys() == _kept_apart() & asking
    assert asking >= INSTALLATION | ELSEWHERE.keys()
    assert len(asking) > 50


def test_what_is_there_once_is_told_of_no_forum() -> None:
    told = {
        f"{module.__name__}.{one.__name__}({name})"
        for module, functions in _asking()
        if module.__name__ in INSTALLATION
        for one in functions
        for name in inspect.signature(one).parameters
        if _OF_A_FORUM.match(name)
    }

    assert told == set()


def test_what_is_tried_elsewhere_is_tried_there_with_two_forums() -> None:
    for module, path in ELSEWHERE.items():
        text = (HERE / path).read_text(encoding="utf-8")

        assert module.rpartition(".")[2] in text
        assert "make_two" in text or text.count("make_forum(") + text.count("forum=") > 1
