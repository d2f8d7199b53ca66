"""A room is entered by its doors: the modules that its `__init__` names."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOMS = sorted(found.parent.name for found in (ROOT / "db").glob("*/__init__.py"))
ROOMS.remove("tables")
PACKAGES = ("db", "worker", "api", "training", "cli", "bench", "tests", "migrations")
_DOORS = re.compile(r"^Imported through: ([^.]+)\.$", re.MULTILINE)
_LONGEST_MODULE, _LARGEST_ROOM = 400, 1_200


def _doors(room: str) -> set[str]:
    found = _DOORS.search(importlib.import_module(f"db.{room}").__doc__ or "")
    return set(re.findall(r"`(\w+)`", found[1])) if found else set()


@cache
def _imports(path: Path) -> frozenset[str]:
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules_used_from_outside(room: str) -> set[str]:
    outside = (
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.parent != ROOT / "db" / room
    )
    named = re.compile(rf"^db\.{room}\.(\w+)")
    found = {match[1] for path in outside for one in _imports(path) if (match := named.match(one))}
    return {name for name in found if (ROOT / "db" / room / f"{name}.py").exists()}


def _lengths(folder: Path) -> dict[str, int]:
    return {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in folder.glob("*.py")
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for_what_it_may_touch_and_what_it_must_never_do(room: str) -> None:
    text = importlib.import_module(f"db.{room}").__doc__ or ""

    assert re.fullmatch(
        r"\S[^\n]+\.\n\nMay touch: [^\n]+\.\nMust never: [^\n]+\.\nImported through: [^.]+\.\n",
        text,
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_imported_through_its_doors_and_each_door_is_used(room: str) -> None:
    assert _modules_used_from_outside(room) == _doors(room)


@pytest.mark.parametrize("room", ROOMS)
def test_neither_a_room_nor_a_module_grows_out_of_sight(room: str) -> None:
    lengths = _lengths(ROOT / "db" / room)

    assert max(lengths.values()) <= _LONGEST_MODULE
    assert sum(lengths.values()) <= _LARGEST_ROOM
