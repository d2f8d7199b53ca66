"""Calls from the pages of a forum: their key is in the page, so their origin and pace are checked.

A browser asks first whether it may call at all; that is answered for any origin, since the question
comes without the key. The answer to the call itself says whether it may be read.
"""

import re
import time
from collections import OrderedDict, deque

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.errors import TooManyError

_PATHS = re.compile(r"/v1/forums/[^/]+/(?:check|outcomes)")
_STATE = "allowed_origin"
_MINUTE_S = 60.0
_REMEMBERED = 10_000


class TooManyCallsError(TooManyError):
    """Too many calls came from this address within a minute."""


class CallLimit:
    """Limits the calls that one process takes from an address in a minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._calls: OrderedDict[tuple[int, str], deque[float]] = OrderedDict()

    def count(self, key_id: int, address: str) -> None:
        """Count a call; raises `TooManyCallsError` when there were too many."""
        now = time.monotonic()
        calls = self._calls.setdefault((key_id, address), deque())
        self._calls.move_to_end((key_id, address))
        while len(self._calls) > _REMEMBERED:
            self._calls.popitem(last=False)
        while calls and now - calls[0] >= _MINUTE_S:
            calls.popleft()
        if len(calls) >= self._per_minute:
            raise TooManyCallsError(retry_after_s=int(_MINUTE_S - (now - calls[0])) + 1)
        calls.append(now)


def allow_origin(request: Request, origin: str) -> None:
    """Let the pages of *origin* read the answer to this request, whatever it is."""
    setattr(request.state, _STATE, origin)


class PublicPages:
    """Says to browsers which pages may call, on the two calls that are made for them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser's question before the call, or pass the call on."""
        if scope["type"] != "http" or not _PATHS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "origin" in Headers(scope=scope):
            await _permit(Headers(scope=scope)["origin"], send)
        else:
            await self._app(scope, receive, _allowing(scope, send))


def _allowing(scope: Scope, send: Send) -> Send:
    async def allowing(message: Message) -> None:
        origin = scope.get("state", {}).get(_STATE)
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Vary"] = "Origin"
            if origin is not None:
                headers["Access-Control-Allow-Origin"] = origin
                headers["Access-Control-Expose-Headers"] = "Retry-After"
        await send(message)

    return allowing


async def _permit(origin: str, send: Send) -> None:
    headers = MutableHeaders(
        {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "7200",
            "Vary": "Origin",
        }
    )
    await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b""})
