"""What is tried again, and how often."""

import pytest
from sqlalchemy.exc import OperationalError

from db.engine import is_worth_another_try, retried
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
