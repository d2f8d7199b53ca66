"""Decides why a batch failed: because of one of its questions, or because of the circumstances.

Some failures say nothing about the questions and do not count as an attempt: a requested stop,
stale scores, and a database that is down, read-only, full or restarting. One question may be the
cause of all other failures. The batch is halved until that question is alone, and only a question
that fails alone loses an attempt.
"""

from collections.abc import Iterator

from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from db.errors import TransientError
from worker.inference.runner import InferenceError

_STATEMENT_TIMEOUT = "57014"
_CIRCUMSTANCES = ("08", "25", "40", "53", "55", "57", "58")
"""SQLSTATE classes: connection, transaction state, rollback, resources, locks, operator, system."""

_REASON_LENGTH = 2_000


class BrokenModelError(TransientError):
    """The models of this process cannot run any more: it must end and be started again."""


def is_moments_fault(error: BaseException) -> bool:
    """Return whether *error* says nothing about the questions of the batch."""
    if any(isinstance(one, SoftTimeLimitExceeded) for one in _causes(error)):
        return True
    if isinstance(error, DBAPIError):
        return _is_database_away(error)
    if isinstance(error, InferenceError):
        return False
    return isinstance(error, TransientError | PoolTimeoutError) or not isinstance(error, Exception)


def _is_database_away(error: DBAPIError) -> bool:
    code = getattr(error.orig, "pgcode", None)
    if error.connection_invalidated or isinstance(error, InterfaceError) or code is None:
        return True
    return code != _STATEMENT_TIMEOUT and str(code).startswith(_CIRCUMSTANCES)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reason(error: BaseException) -> str:
    """Return the reason to store with a failed question, as text that Postgres accepts."""
    text = f"{type(error).__name__}: {error}"[:_REASON_LENGTH].replace("\0", "\N{SYMBOL FOR NULL}")
    return text.encode("utf-8", "replace").decode("utf-8")
