"""Refuses what no text or number of a request may hold, in one place for all routes.

U+0000 cannot be stored by Postgres, half of a surrogate pair cannot be written as UTF-8, and
numbers beyond 64 bits, or none at all, fit no column. Every route's class is one of those here.
"""

import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.retry import RetriedRoute
from db.errors import InvalidInputError

_BATCH = ":batch"
_LARGEST = 2**63


def fault_of(value: object) -> str | None:
    """Return what is wrong with a value of JSON, somewhere in it, or None."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found
        elif (fault := _fault_of_plain(found)) is not None:
            return fault
    return None


def _fault_of_plain(value: object) -> str | None:
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "a number must be finite"
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return "a number must fit in 64 bits"
    return None


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "a text must not hold the character U+0000"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "a text must be valid Unicode: it holds half of a surrogate pair"
    return None


def _refuse(*texts: object) -> None:
    for text in texts:
        if (fault := fault_of(text)) is not None:
            raise InvalidInputError(fault)


class CheckedRequest(Request):
    """A request whose body is refused when a text or number in it cannot be."""

    async def json(self) -> Any:
        """Return the body; raises `InvalidInputError`. A batch looks at each of its items."""
        value = await super().json()
        if not self.url.path.endswith(_BATCH):
            _refuse(value)
        return value

    async def _get_form(self, **limits: Any) -> FormData:
        form = await super()._get_form(**limits)
        _refuse(*(text for pair in form.multi_items() for text in pair))
        return form


class CheckedRoute(RetriedRoute):
    """Refuses a request whose path, query, headers or body hold what they may not."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which gets a `CheckedRequest`."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            _refuse(*request.path_params.values(), *request.headers.values())
            _refuse(*(text for pair in request.query_params.multi_items() for text in pair))
            return await handler(CheckedRequest(request.scope, request.receive))

        return checked
