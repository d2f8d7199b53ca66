"""How reading a file failed: a reason for people, and an outcome for the process that waits."""

import traceback
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.engine import is_disk_full, is_unfit
from db.errors import ConflictError, ServiceError, TransientError
from worker.archives.load_job import Outcome

log = structlog.get_logger()


class StoppedError(ConflictError):
    """The archive was paused or cancelled during the load."""


def reason_of(error: BaseException) -> str:
    """Return the reason why a file was not read to its end, without any content of the file."""
    if isinstance(error, ServiceError):
        return str(error)
    return _known(error)[1] or f"reading it failed: {type(error).__name__}"


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome of *error*, which was raised while a file was read.

    An unexpected error counts as a fault of the file: most likely the same file would fail again,
    and another file would not. The log has the line of code.
    """
    outcome, reason = _known(error)
    if not reason:
        log.error("archive.not_expected", error=type(error).__name__, at=_place_of(error))
    return outcome


def _known(error: BaseException) -> tuple[Outcome, str]:
    """Return the outcome and the reason; the reason is empty for an unexpected error."""
    if is_disk_full(error):
        return Outcome.DISK_FULL, "the disk is full"
    if is_unfit(error):
        return Outcome.INVALID, "it has a value that the database cannot take"
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return Outcome.AWAY, "this machine can start no more threads now"
    for kind, outcome, reason in _KINDS:
        if isinstance(error, kind):
            return outcome, reason
    return Outcome.INVALID, ""


_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Outcome, str], ...] = (
    (StoppedError, Outcome.STOPPED, "it was stopped"),
    (TransientError, Outcome.AWAY, "the database does not answer"),
    (ServiceError, Outcome.INVALID, "it cannot be read"),
    (MemoryError, Outcome.INVALID, "reading it takes more memory than it may"),
    (RecursionError, Outcome.INVALID, "it is nested too deeply"),
    (SQLAlchemyError, Outcome.AWAY, "the database did not take it"),
    ((KeyboardInterrupt, SystemExit), Outcome.AWAY, "reading it was interrupted"),
)


def _place_of(error: BaseException) -> str:
    """Return the file and line of code that raised *error*, without its text."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{Path(frames[0].filename).name}:{frames[0].lineno}" if frames else ""
