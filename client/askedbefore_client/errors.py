"""The errors of the client.

AskedBeforeError
├── NoAnswerError       no connection, or no answer in time
├── ProblemError        the service answered with an error
│   ├── InvalidError    400, 413, 415, 422: the same call fails again
│   ├── AccessError     401, 403: the key is wrong or lacks the scope
│   ├── NotFoundError   404: no such forum or question for this key
│   ├── ConflictError   409: somebody else changed it first
│   └── BusyError       408, 425, 429, 5xx: try again after `retry_after_s`
└── SignatureError      a webhook that the service did not sign
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class AskedBeforeError(Exception):
    """The call failed."""

    is_temporary = False
    """Whether the same call can succeed later."""


class NoAnswerError(AskedBeforeError):
    """The service could not be reached, or did not answer in time."""

    is_temporary = True


class SignatureError(AskedBeforeError):
    """The webhook is not signed with this secret, or it is too old."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: *pointer* is its place in the body, *parameter* its name in the URL."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        where = self.pointer or self.parameter
        return f"{where}: {self.detail}" if where else self.detail


class ProblemError(AskedBeforeError):
    """The service answered with an error (RFC 9457)."""

    def __init__(
        self,
        problem: Mapping[str, Any],
        *,
        status: int,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        self.detail = str(problem.get("detail") or problem.get("title") or "no details")
        self.errors = _field_problems(problem.get("errors"))
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        fields = "".join(f"; {one}" for one in self.errors)
        super().__init__(f"the service answered {status}: {self.detail}{fields}")


class InvalidError(ProblemError):
    """The call is wrong: correct it."""


class AccessError(ProblemError):
    """The key is not valid, or it does not have the scope that this call needs."""


class NotFoundError(ProblemError):
    """There is no such forum or question for this key."""


class ConflictError(ProblemError):
    """Somebody else changed it first: read it again, then decide."""


class BusyError(ProblemError):
    """The service cannot take the call now: try again after `retry_after_s`."""

    is_temporary = True


def field_problem(raw: Mapping[str, Any]) -> FieldProblem:
    """Return one entry of a problem's ``errors``."""
    return FieldProblem(str(raw.get("detail", "")), raw.get("pointer"), raw.get("parameter"))


def _field_problems(raw: Any) -> tuple[FieldProblem, ...]:
    """Return the entries that are the service's; a proxy may write others."""
    listed = raw if isinstance(raw, list) else ()
    return tuple(field_problem(one) for one in listed if isinstance(one, Mapping))


_BY_STATUS: dict[int, type[ProblemError]] = {
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    409: ConflictError,
    408: BusyError,
    425: BusyError,
    429: BusyError,
}
_SERVER_ERRORS = 500


def kind_of(status: int) -> type[ProblemError]:
    """Return the error class for an HTTP status."""
    return _BY_STATUS.get(status, BusyError if status >= _SERVER_ERRORS else InvalidError)
