"""Every error as problem+json (RFC 9457). Only this module maps errors to status codes."""

import errno
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from db.engine import AWAY, is_disk_full, is_worth_another_try
from db.errors import (
    BackpressureError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ServiceError,
    TooManyError,
    TransientError,
)
from db.wording import counted

MEDIA_TYPE = "application/problem+json"
_SUFFIX = re.compile(r"Error$")
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_VALUE_ERROR = "Value error, "
_MESSAGES = {
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "missing": "is required",
    "extra_forbidden": "is not a field of this call",
    "string_unicode": "must be valid Unicode: it has half of a surrogate pair",
}

_UPLOAD_RETRY_S = 30
_DISK_RETRY_S = 300

log = structlog.get_logger()


class UnauthenticatedError(ServiceError):
    """Send a valid key: `Authorization: Bearer KEY`."""


class ForbiddenError(ServiceError):
    """This key does not have the scope for that."""


class UnsupportedMediaTypeError(ServiceError):
    """Send JSON, with the header `Content-Type: application/json`."""


class BrokenBodyError(ServiceError):
    """The body is not valid JSON: it must be UTF-8 and not nested too deeply."""


class BodyTooLargeError(ServiceError):
    """The body is too large."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body has more than {limit:,} bytes")


class UnfitValueError(InvalidInputError):
    """A text or a number in the request cannot be used."""

    def __init__(self, message: str, *, errors: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.errors = errors


class BodyBrokenOffError(ServiceError):
    """The body ended before it was complete."""


class SlowBodyError(ServiceError):
    """The body came too slowly: nothing for a while, or not all of it in time."""


class UploadSlotsTakenError(TooManyError):
    """As many archives of this forum are being loaded as are allowed; try again later."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{counted(limit, 'archive of this forum is', 'archives of this forum are')} being read"
            " already; try again when one is stored",
            retry_after_s=_UPLOAD_RETRY_S,
        )


class UploadsTakenError(TransientError):
    """The service is loading as many archives as it can; try again later."""

    def __init__(self) -> None:
        super().__init__(retry_after_s=_UPLOAD_RETRY_S)


class DiskFullError(TransientError):
    """The disk of the service is full."""

    met_at: ClassVar[float] = -math.inf
    """When this process last met one, by the monotonic clock."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, retry_after_s=_DISK_RETRY_S)
        DiskFullError.met_at = time.monotonic()


STATUS: Mapping[type[ServiceError], HTTPStatus] = {
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    BrokenBodyError: HTTPStatus.BAD_REQUEST,
    BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BackpressureError: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyError: HTTPStatus.TOO_MANY_REQUESTS,
    BodyBrokenOffError: HTTPStatus.BAD_REQUEST,
    SlowBodyError: HTTPStatus.REQUEST_TIMEOUT,
    DiskFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    ServiceError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def status_of(error: ServiceError) -> HTTPStatus:
    """Return the status of the nearest ancestor that the table names."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem_type(error: ServiceError) -> str:
    """Return the stable name of this kind of error, such as ``urn:askedbefore:backpressure``."""
    name = _WORD.sub("-", _SUFFIX.sub("", type(error).__name__)).lower()
    return f"urn:askedbefore:{name}"


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    kind: str = "about:blank",
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as RFC 9457 writes it; *errors* are the wrong fields."""
    content: dict[str, Any] = {
        "type": kind,
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if errors:
        content["errors"] = list(errors)
    # Names from a request may have half of a surrogate pair, which UTF-8 cannot encode.
    body = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return Response(body, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def add_handlers(app: FastAPI) -> None:
    """Turn every error that leaves a route, expected or not, into a problem."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in (*AWAY, DBAPIError, OSError):
        app.add_exception_handler(kind, _server_failed)


def service_problem(error: ServiceError) -> Response:
    """Return the problem for an error of the service."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return internal_problem()
    errors = error.errors if isinstance(error, UnfitValueError) else ()
    return problem(
        status, str(error), kind=problem_type(error), headers=headers_of(error), errors=errors
    )


def headers_of(error: ServiceError) -> dict[str, str]:
    """Return the headers that an answer to *error* has: when to try again, how to sign in.

    A page needs them as much as a problem does.
    """
    headers: dict[str, str] = {}
    if isinstance(error, TransientError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def field_errors(errors: Sequence[Any], *, within: str = "#") -> list[dict[str, str]]:
    """Return pydantic's errors with a pointer into the body, or the name of a parameter."""
    return [_field_error(error, within) for error in errors]


def _field_error(error: Mapping[str, Any], within: str) -> dict[str, str]:
    message = _MESSAGES.get(error["type"], str(error["msg"]).removeprefix(_VALUE_ERROR))
    place, *path = error["loc"] or ("body",)
    if place in {"query", "path", "header"}:
        return {"detail": message, "parameter": str(path[0]) if path else str(place)}
    steps = path if place == "body" else [place, *path]
    return {"detail": message, "pointer": "/".join([within, *map(_escape, steps)])}


def _escape(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


async def _service_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise error
    if status_of(error) is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("http.failed", error=type(error).__name__)
    return service_problem(error)


async def _invalid_request(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return service_problem(BrokenBodyError())
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "the request does not fit the description of this call",
        kind="urn:askedbefore:invalid-request",
        errors=field_errors(found),
    )


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, ServiceError):
        return service_problem(error.__cause__)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return service_problem(BrokenBodyError())
    status = HTTPStatus(error.status_code)
    return problem(status, str(error.detail), headers=error.headers)


def as_service_error(error: Exception) -> ServiceError | None:
    """Return what a failure of the database or of a disk means to a caller; None for others.

    A connection that is cut has many names among the driver's errors. A full disk may also be a
    file that is larger than this process may write.
    """
    if isinstance(error, ServiceError):
        return error
    if is_disk_full(error) or (isinstance(error, OSError) and error.errno == errno.EFBIG):
        return DiskFullError()
    is_cut = isinstance(error, DBAPIError) and error.connection_invalidated
    if not (isinstance(error, AWAY) or is_cut):
        return None
    log.error("http.database_away", error=type(error).__name__)
    if is_worth_another_try(error):
        return TransientError("others are changing the same rows; try again", retry_after_s=1)
    return TransientError("the database does not answer; try again", retry_after_s=2)


async def _server_failed(_request: Request, error: Exception) -> Response:
    met = as_service_error(error)
    if met is None:
        raise error
    return service_problem(met)


def internal_problem() -> Response:
    """Return the problem for an unexpected error: where to look, and nothing about the cause."""
    detail = "something went wrong here; it is in the log under this answer's X-Request-Id"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
