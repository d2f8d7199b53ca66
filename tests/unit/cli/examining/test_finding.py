"""A check that finds a fault, meets one, or is broken itself: each says what to do."""

from types import ModuleType

import pytest
from sqlalchemy.exc import ProgrammingError

from cli.examining import doctor, finding, machine, servers, work
from cli.examining.finding import FaultError, Finding, Patient, look
from db.errors import InvalidInputError


class Denied(Exception):  # noqa: N818  # as psycopg2 has it
    pgcode = "42501"


def looked(error: Exception | None) -> Finding:
    def check(_: Patient) -> str:
        if error is not None:
            raise error
        return "fine"

    return look("x", check, Patient())


@pytest.mark.parametrize(
    ("error", "said", "fix"),
    [
        (FaultError("too full", "make room"), "too full", "make room"),
        (InvalidInputError("no address"), "no address", "settings.md"),
        (ProgrammingError("SELECT", {}, Denied("permission denied ")), "permission denied", "role"),
        (ProgrammingError("SELECT", {}, Exception("no table\n")), "no table", "trouble.md"),
        (ZeroDivisionError("by nought"), "ZeroDivisionError: by nought", "trouble.md"),
    ],
)
def test_whatever_a_check_meets_is_a_finding(error: Exception, said: str, fix: str) -> None:
    found = looked(error)

    assert not found.ok
    assert found.said == said
    assert fix in found.fix


def test_what_is_good_needs_nothing() -> None:
    assert looked(None) == Finding(name="x", ok=True, said="fine")


def examined(monkeypatch: pytest.MonkeyPatch, *broken: str) -> list[str]:
    def check(name: str) -> finding.Check:
        def run(_: Patient) -> str:
            if name in broken:
                raise FaultError("broken", "repair it")
            return "fine"

        return run

    monkeypatch.setattr(doctor, "CHECKS", {name: check(name) for name in doctor.CHECKS})
    return [one.name for one in doctor.examine(Patient())]


@pytest.mark.parametrize(
    ("broken", "left_out"),
    [
        ((), set()),
        (("queue",), {"queue settings", "queue memory", "beat"}),
        (("models",), set()),
        (("schema",), {name for name, needed in doctor._NEEDS.items() if needed == "schema"}),  # noqa: SLF001
    ],
)
def test_what_depends_on_a_broken_part_says_nothing(
    monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...], left_out: set[str]
) -> None:
    names = list(doctor.CHECKS)

    assert examined(monkeypatch, *broken) == [name for name in names if name not in left_out]


def test_without_a_database_nothing_that_is_in_it_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = examined(monkeypatch, "database")

    assert "database" in found
    assert not {"schema", "models", "workers", "forums"} & set(found)


def test_each_check_comes_after_what_it_needs() -> None:
    order = list(doctor.CHECKS)
    for name, needed in doctor._NEEDS.items():  # noqa: SLF001  # its promise
        assert order.index(needed) < order.index(name)


@pytest.mark.parametrize("module", [machine, servers, work], ids=lambda one: one.__name__)
def test_every_check_that_is_written_is_run(module: ModuleType) -> None:
    written = {
        name
        for name, one in vars(module).items()
        if callable(one)
        and getattr(one, "__module__", "") == module.__name__
        and not name.startswith("_")
    }

    run = {one.__name__ for one in doctor.CHECKS.values() if one.__module__ == module.__name__}
    assert run == written
