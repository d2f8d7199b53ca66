"""Runs a transaction again after a deadlock or a serialisation failure."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

_TRIES = 3
_DEADLOCK = "40P01"
_SERIALIZATION = "40001"

_Result = TypeVar("_Result")


def retried(work: Callable[[], _Result]) -> _Result:
    """Return what *work* does in a transaction of its own, tried again after a deadlock.

    Postgres picks one of two that wait for each other and undoes all that it did.
    """
    for _ in range(_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in {_DEADLOCK, _SERIALIZATION}:
                raise
    return work()
