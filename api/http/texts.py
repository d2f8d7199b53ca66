"""Refuses characters and numbers that cannot be stored, in one place for all routes.

U+0000 cannot be stored by Postgres, half of a surrogate pair cannot be written as UTF-8, and no
column takes NaN or a number beyond 64 bits. Every route's class is one of those here.
"""

import math
from collections.abc import Callable, Coroutine, Iterable
from itertools import chain
from typing import Any, NamedTuple

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.http.errors import UnfitValueError, field_errors
from api.http.retry import RetriedRoute

_BATCH = ":batch"
_LARGEST = 2**63


class Fault(NamedTuple):
    """What is wrong with a value, and where in it."""

    path: tuple[str | int, ...]
    detail: str


def fault_of(value: object) -> Fault | None:
    """Return the first fault somewhere in a value of JSON, or None."""
    if isinstance(value, dict) and all(map(_is_plain, chain(value, value.values()))):
        return None  # most questions of a batch
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        if isinstance(found, dict):
            waiting += [(path, name) for name in found]
            waiting += [((*path, name), inner) for name, inner in found.items()]
        elif isinstance(found, list):
            waiting += [((*path, place), inner) for place, inner in enumerate(found)]
        elif (detail := _fault_of_plain(found)) is not None:
            return Fault(path, detail)
    return None


def _is_plain(value: object) -> bool:
    """Return whether *value* is certainly without fault: None, or a text in ASCII."""
    return value is None or (isinstance(value, str) and value.isascii() and "\0" not in value)


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


def _refuse(place: str, value: object) -> None:
    """Raise `UnfitValueError` for a fault in *value*, which is in that part of the request."""
    if (fault := fault_of(value)) is not None:
        found = {"type": "value_error", "loc": (place, *fault.path), "msg": fault.detail}
        raise UnfitValueError(fault.detail, errors=field_errors([found]))


def _refuse_pairs(place: str, pairs: Iterable[tuple[str, object]]) -> None:
    for pair in pairs:
        for text in pair:
            if not _is_plain(text):
                _refuse(place, {pair[0]: text} if text is not pair[0] else text)


class CheckedRequest(Request):
    """A request whose body is refused if a text or number in it cannot be used."""

    async def json(self) -> Any:
        """Return the body; raises `UnfitValueError`. A batch looks at each of its items."""
        value = await super().json()
        if not self.url.path.endswith(_BATCH):
            _refuse("body", value)
        return value

    async def _get_form(self, **limits: Any) -> FormData:
        form = await super()._get_form(**limits)
        _refuse_pairs("body", form.multi_items())
        return form


class CheckedRoute(RetriedRoute):
    """Refuses a request with a character or number that cannot be used, in any part of it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, which gets a `CheckedRequest`."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            _refuse_pairs("path", request.path_params.items())
            _refuse_pairs("query", request.query_params.multi_items())
            _refuse_pairs("header", request.headers.items())
            return await handler(CheckedRequest(request.scope, request.receive))

        return checked
