"""All errors as one tree: the branch decides the handling, the leaf says what went wrong.

::

    ServiceError
    ├── NotFoundError            404   it does not exist, or this key may not see it
    ├── ConflictError            409   somebody else changed it first: read again
    ├── InvalidInputError        422   the input is wrong and stays wrong
    ├── TransientError           503   try again, the input may be right
    │   ├── BackpressureError    429   too much is waiting: try again later
    │   ├── TooManyError         429   as many as may be at a time, or within a while
    │   ├── ReadOnlyDatabaseError      the database takes no changes now
    │   └── LostTransactionError       the database ended a transaction
    └── IncompatibleModelError         the models do not fit each other or the database
"""

from inspect import cleandoc

from db.wording import counted


class ServiceError(Exception):
    """The service could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or cleandoc(self.__doc__ or ""))


class NotFoundError(ServiceError):
    """It does not exist."""


class ConflictError(ServiceError):
    """Somebody else changed this first: read it again, then decide."""


class QuestionOutdatedError(ConflictError):
    """A newer version of this question is stored, or it was erased after this version."""


class InvalidInputError(ServiceError):
    """The input cannot be used."""


class TransientError(ServiceError):
    """This failed now, but may work in a moment."""

    def __init__(self, message: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class IncompatibleModelError(ServiceError):
    """The model does not fit the vectors, the calibration or the other model."""


class BackpressureError(TransientError):
    """Too many questions are waiting already."""

    def __init__(self, *, forum: str, pending: int, retry_after_s: int) -> None:
        super().__init__(
            f"forum {forum!r} has {counted(pending, 'waiting question')} already;"
            f" try again in {retry_after_s} s",
            retry_after_s=retry_after_s,
        )


class TooManyError(TransientError):
    """There are too many of these at a time, or within a short time."""


class ReadOnlyDatabaseError(TransientError):
    """The database takes no changes now: it is failing over or was made read-only. Try again."""

    def __init__(self) -> None:
        super().__init__(retry_after_s=5)


class LostTransactionError(TransientError):
    """The database ended this transaction because nothing was asked in it for too long."""


class ForumNotFoundError(NotFoundError):
    """There is no such forum, or this key may not see it."""

    def __init__(self, forum: str) -> None:
        super().__init__(f"there is no forum {forum!r}, or this key may not see it")


class QuestionNotFoundError(NotFoundError):
    """There is no such question."""

    def __init__(self, external_id: str) -> None:
        super().__init__(f"there is no question {external_id!r} in this forum")


class PairNotFoundError(NotFoundError):
    """There is no such pair."""

    def __init__(self, pair_id: int) -> None:
        super().__init__(f"there is no pair {pair_id} in this forum")


class ModelNotFoundError(NotFoundError):
    """There is no such model."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no model {name!r}: no such folder, no such bundled model, and no hub answered"
        )


class NotInstalledError(InvalidInputError):
    """A library is not installed that this needs."""

    def __init__(self, what: str, *, needs: str, extra: str) -> None:
        super().__init__(
            f"{what} needs {needs}, which is not installed here: pip install 'askedbefore[{extra}]'"
        )


class UnreadableModelError(InvalidInputError):
    """The model's files cannot be used."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
