"""How reading a file ends: whatever was raised has an outcome, and a reason without any content."""

import builtins
import errno

import psycopg2
import pytest
from sqlalchemy.exc import DataError, OperationalError

from db import errors as our_errors
from db.errors import InvalidInputError, ServiceError, TransientError
from worker.archives.load_job import Outcome
from worker.archives.loading.ends import StoppedError, outcome_of, reason_of

TITLE = "Is this told?"


class UnfitError(psycopg2.DataError):
    pgcode = "22003"


BUILT_IN = [
    one
    for one in vars(builtins).values()
    if isinstance(one, type)
    and issubclass(one, Exception)
    and not issubclass(one, (UnicodeError, BaseExceptionGroup, OSError, Warning))
]
OURS = [
    one
    for one in vars(our_errors).values()
    if isinstance(one, type) and issubclass(one, ServiceError)
]


@pytest.mark.parametrize("kind", BUILT_IN)
def test_what_a_reader_raises_is_the_files_own_end_and_tells_nothing_of_it(
    kind: type[Exception],
) -> None:
    error = kind(TITLE)

    assert outcome_of(error) is Outcome.INVALID
    assert reason_of(error)
    assert TITLE not in reason_of(error)


@pytest.mark.parametrize("kind", OURS)
def test_every_error_of_ours_has_an_outcome(kind: type[ServiceError]) -> None:
    error = kind.__new__(kind)  # what it is made of does not matter
    wanted = Outcome.AWAY if issubclass(kind, TransientError) else Outcome.INVALID

    assert outcome_of(error) is wanted


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StoppedError("archive 1 is paused"), Outcome.STOPPED),
        (InvalidInputError("no"), Outcome.INVALID),
        (OSError(errno.ENOSPC, "full"), Outcome.DISK_FULL),
        (OSError(errno.EIO, "broken"), Outcome.INVALID),
        (RuntimeError("can't start new thread"), Outcome.AWAY),
        (OperationalError("", {}, psycopg2.OperationalError()), Outcome.AWAY),
        (DataError("", {}, UnfitError()), Outcome.INVALID),
        (SystemExit(143), Outcome.AWAY),
    ],
)
def test_who_is_at_fault_is_told_apart(error: BaseException, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome
