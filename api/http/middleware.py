"""Around every request: its id, its duration, its size limit, and security headers.

Pure ASGI: nothing is buffered, and what a route streams is streamed on.
"""

import re
import time
import traceback
from contextlib import suppress
from secrets import token_hex

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import (
    BodyTooLargeError,
    UnsupportedMediaTypeError,
    internal_problem,
    service_problem,
)
from api.measuring.metrics import Metrics

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_SECURITY = Headers(SECURITY_HEADERS).raw
_ARCHIVES = re.compile(r"/v1/forums/[^/]+/archives|/console/[^/]+/archives")
_PACKINGS = {"gzip", "x-gzip", "zstd"}
"""Values of `Content-Encoding` that an archive may have; its first bytes decide how it is unpacked.
"""
_UNMATCHED = "unmatched"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SERVER_ERROR = 500
_CLIENT_GONE = 499
"""As proxies count a caller who left before the answer; it is never sent."""

log = structlog.get_logger()


class Observer:
    """Gives each request an id, measures it, and answers unexpected errors."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, request_id=token_hex(8))
        begun = time.perf_counter()
        with self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, answer.send)
            except ClientDisconnect:  # nobody is there to answer, and nothing is wrong here
                answer.status = answer.status or _CLIENT_GONE
            except Exception as error:  # the last place before the server
                _log_unexpected(error, answer.request_id)
                if answer.status is not None:
                    raise  # a part of the answer is sent: the server closes the connection
                await internal_problem()(scope, receive, answer.send)
        self._measure(scope, answer.status or _SERVER_ERROR, time.perf_counter() - begun)

    def _measure(self, scope: Scope, status: int, elapsed_s: float) -> None:
        route = str(getattr(scope.get("route"), "path", _UNMATCHED))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(elapsed_s)


class _Answer:
    def __init__(self, send: Send, *, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = [*message["headers"], (b"x-request-id", self.request_id.encode())]
            present = {name.lower() for name, _ in given}
            message["headers"] = given + [one for one in _SECURITY if one[0] not in present]
        await self._send(message)


def _log_unexpected(error: Exception, request_id: str) -> None:
    # Place and kind only, not the message: a database's error quotes the row.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("http.failed", request_id=request_id, error=type(error).__name__, traceback=where)


class PayloadLimit:
    """Refuses a body over *limit* bytes with 413, whether `Content-Length` was sent or not.

    An archive, which is streamed to disk, may have *archive_limit* bytes.
    """

    def __init__(self, app: ASGIApp, limit: int, archive_limit: int) -> None:
        self._app = app
        self._limits = {False: limit, True: archive_limit}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless its body is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits[_ARCHIVES.fullmatch(scope["path"]) is not None]
        if _announced(scope) > limit:
            await service_problem(BodyTooLargeError(limit))(scope, receive, send)
        else:
            await self._app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    total = 0

    async def counting() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            # The only kind of exception that FastAPI passes on while it reads a body.
            raise HTTPException(413) from BodyTooLargeError(limit)
        return message

    return counting


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdigit() else 0


class BodyForms:
    """Refuses a body in a form that no route reads, and names the form.

    Otherwise compressed JSON would be refused as "no JSON", and a form would be read as an archive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless its body is packed or in parts."""
        fault = _fault_of_form(scope) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await service_problem(UnsupportedMediaTypeError(fault))(scope, receive, send)


def _fault_of_form(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    is_archive = _ARCHIVES.fullmatch(scope["path"]) is not None
    packing = headers.get("content-encoding", "").strip().lower()[:50] or "identity"
    if packing != "identity" and not (is_archive and packing in _PACKINGS):
        return f"a body with `Content-Encoding: {packing}` is not read here: send it unpacked"
    if headers.get("content-type", "").strip().lower().startswith("multipart/"):
        how = "the file itself as the body, as `curl -T FILE` does" if is_archive else "no parts"
        return f"a body of the type multipart is not read here: send {how}"
    return None


class Heads:
    """Answers HEAD as GET would be answered, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and stop where the body would begin."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise _AnsweredError

        with suppress(_AnsweredError):
            await self._app({**scope, "method": "GET"}, receive, without_body)


class _AnsweredError(Exception):
    """The whole answer was sent."""
