"""What is tried again, and how often."""

import errno

import pytest
from sqlalchemy.exc import DataError, OperationalError

from db.engine import is_disk_full, is_held_up, is_unfit, is_worth_another_try, retried
from db.errors import ReadOnlyDatabaseError, TransientError


class PostgresError(Exception):
    def __init__(self, pgcode: str) -> None:
        self.pgcode = pgcode


def met(code: str) -> OperationalError:
    return OperationalError("...", {}, PostgresError(code))


class Work:
    """Raises its errors one by one, then returns how often it was called."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> int:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.tries


DEADLOCK, SERIALISATION, UNIQUE, TIMEOUT = "40P01", "40001", "23505", "57014"


@pytest.mark.parametrize("failures", [0, 1, 2])
@pytest.mark.parametrize("error", [met(DEADLOCK), met(SERIALISATION), ReadOnlyDatabaseError()])
def test_what_met_another_is_tried_again_until_it_works(error: Exception, failures: int) -> None:
    assert retried(Work(*[error] * failures)) == failures + 1


def test_the_third_failure_counts() -> None:
    last = met(SERIALISATION)
    work = Work(met(DEADLOCK), met(DEADLOCK), last)

    with pytest.raises(OperationalError) as raised:
        retried(work)

    assert (work.tries, raised.value) == (3, last)


@pytest.mark.parametrize(
    "error", [met(UNIQUE), met(TIMEOUT), TransientError("the broker"), ValueError("a bug")]
)
def test_what_would_fail_the_same_way_is_tried_once(error: Exception) -> None:
    work = Work(error)

    with pytest.raises(type(error)):
        retried(work)

    assert work.tries == 1
    assert not is_worth_another_try(error)


WHAT = {
    "deadlock": (met("40P01"), {"held up", "worth another try"}),
    "serialisation": (met("40001"), {"held up", "worth another try"}),
    "lock": (met("55P03"), {"held up"}),
    "disk": (met("53100"), {"disk full"}),
    "number": (DataError("...", {}, PostgresError("22003")), {"unfit"}),
    "text": (DataError("...", {}, PostgresError("22021")), {"unfit"}),
    "too complex": (met("54001"), {"unfit"}),
    "unique": (met("23505"), set()),
    "no code": (OperationalError("...", {}, Exception("gone")), set()),
    "read-only": (ReadOnlyDatabaseError(), {"worth another try"}),
    "our disk": (OSError(errno.ENOSPC, "full"), {"disk full"}),
    "our quota": (OSError(errno.EDQUOT, "full"), {"disk full"}),
    "our file": (OSError(errno.ENOENT, "gone"), set()),
    "a bug": (ValueError("40P01"), set()),
}


@pytest.mark.parametrize(("error", "said"), WHAT.values(), ids=WHAT)
def test_each_error_means_one_thing(error: Exception, said: set[str]) -> None:
    tests = {
        "held up": is_held_up,
        "worth another try": is_worth_another_try,
        "disk full": is_disk_full,
        "unfit": is_unfit,
    }

    assert {name for name, test in tests.items() if test(error)} == said
