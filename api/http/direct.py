"""Answers calls without FastAPI's stack, which takes as long as the rest of a short call.

FastAPI works out anew for each request which route it is for, and what an endpoint takes from
where. Here that is worked out once, from FastAPI's own description of the endpoint and with its own
validators. Only requests that are plainly right are answered so. Any other request goes on as it
came, and FastAPI does it from the start, so its errors are the only ones. Endpoints that ask for
more than a plan knows are left to it too.
"""

import json
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Self

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.retry import FIRST_TRY
from api.http.texts import fault_of

_JSON = "application/json"
_MISSING = object()


class _UnclearError(Exception):
    """The request is not plainly right: FastAPI has to say what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a function takes from a request, and the functions whose results it takes."""

    call: Callable[..., Coroutine[Any, Any, Any]]
    params: Sequence[tuple[str, Any]]
    """Parts of the request, `path_params` or `query_params`, with the field that is read there."""
    body: Any
    """The field that the whole body is; None if it is not read."""
    request: str | None
    response: str | None
    dependencies: Sequence[tuple[str | None, "_Plan"]]

    @classmethod
    def of(cls, asked: Dependant) -> Self | None:
        """Return the plan of what FastAPI has found out, None if there is more than a plan knows.

        In a plan each value is a text of the path or query, the whole JSON body, the request, or
        comes from a coroutine function.
        """
        plans = [(one.name, cls.of(one)) for one in asked.dependencies]
        beyond = (
            asked.header_params, asked.cookie_params, asked.body_params[1:], asked.concurrency,
            asked.background_tasks_param_name, asked.security_scopes_param_name,
            asked.http_connection_param_name, asked.websocket_param_name,
        )  # fmt: skip
        body = next(iter(asked.body_params), None)
        is_form = body is not None and isinstance(body.field_info, Form)
        if any(beyond) or is_form or asked.call is None or not _is_coroutine(asked.call):
            return None
        if any(plan is None or plan.body is not None for _, plan in plans):
            return None
        fields = [("path_params", field) for field in asked.path_params]
        fields += [("query_params", field) for field in asked.query_params]
        return cls(
            asked.call,
            fields,
            body,
            asked.request_param_name,
            asked.response_param_name,
            [(name, plan) for name, plan in plans if plan is not None],
        )

    async def answer(self, request: Request, response: Response, body: Any) -> Any:
        """Return what the function returns; raises `_UnclearError` before it is called."""
        values: dict[str, Any] = {}
        for place, field in self.params:
            value = getattr(request, place).get(field.alias, _MISSING)
            values[field.name] = _checked(field, value)
        if self.body is not None:
            values[self.body.name] = _checked(self.body, body)
        if self.request is not None:
            values[self.request] = request
        if self.response is not None:
            values[self.response] = response
        for name, plan in self.dependencies:
            got = await plan.answer(request, response, body)
            if name is not None:
                values[name] = got
        return await self.call(**values)


def _is_coroutine(call: Callable[..., Any]) -> bool:
    return iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)


def _checked(field: Any, value: Any) -> Any:
    if value is _MISSING:
        if field.field_info.is_required():
            raise _UnclearError
        return deepcopy(field.default)
    found, errors = field.validate(value)
    if errors:
        raise _UnclearError
    return found


@dataclass(frozen=True, slots=True)
class _Shortcut:
    """A route whose endpoint a plan can call."""

    route: APIRoute
    plan: _Plan
    answered: Any
    """The field that the answer is."""

    @classmethod
    def of(cls, route: BaseRoute) -> Self | None:
        """Return the shortcut of a route, None where FastAPI must do the work."""
        if not isinstance(route, APIRoute) or route._embed_body_fields:  # noqa: SLF001
            return None
        plan = None if route.response_field is None else _Plan.of(route.dependant)
        if plan is None or route.status_code is not None:
            return None
        return cls(route, plan, route.response_field)

    def params(self, scope: Scope) -> dict[str, Any] | None:
        """Return the parameters of the path if the request is for this route."""
        if scope["method"] not in (self.route.methods or ()):
            return None
        found = self.route.path_regex.match(scope["path"])
        return None if found is None else found.groupdict()

    async def answer(self, request: Request, body: Any) -> Response:
        """Return the endpoint's answer; raises `_UnclearError` before the endpoint is called."""
        said = Response()
        del said.headers["content-length"]
        answer = await self.plan.answer(request, said, body)
        content = self.answered.serialize_json(answer)
        given = Response(content, said.status_code, media_type=_JSON)
        given.headers.raw.extend(said.headers.raw)
        return given


class Direct:
    """Answers plainly right requests to some of *routes* itself, and passes on all others.

    None of the routes may stand behind another one that takes the same path. The body may have
    *limit* bytes.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute], limit: int) -> None:
        self._app = app
        self._limit = limit
        self._shortcuts = [one for one in map(_Shortcut.of, routes) if one is not None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request or pass it on, with the error that a try to answer it met."""
        for shortcut, params in self._shortcuts_to(scope):
            body = _Body(receive)
            try:
                request = Request({**scope, "path_params": params}, body.again)
                answer = await shortcut.answer(request, await body.value())
            except _UnclearError:
                pass
            except Exception as error:  # noqa: BLE001  # its route says what it means
                scope[FIRST_TRY] = error
            else:
                scope["route"] = shortcut.route
                await answer(scope, receive, send)
                return
            receive = body.again
        await self._app(scope, receive, send)

    def _shortcuts_to(self, scope: Scope) -> Iterator[tuple[_Shortcut, dict[str, Any]]]:
        """Yield the shortcut that the request may take, if there is one."""
        if scope["type"] != "http":
            return
        for shortcut in self._shortcuts:
            params = shortcut.params(scope)
            if params is not None and _is_plain(scope, params, self._limit):
                yield shortcut, params
                return


def _is_plain(scope: Scope, params: dict[str, Any], limit: int) -> bool:
    """Return whether nothing around the body needs a second look: it is JSON, and not too long."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    return (
        headers.get(b"content-type") == _JSON.encode()
        and b"content-encoding" not in headers
        and length[:20].isdigit()
        and int(length[:20]) <= limit
        and scope["query_string"].isascii()
        and b"%" not in scope["query_string"]
        and fault_of(params) is None
        and all(value.isascii() and b"\0" not in value for value in headers.values())
    )


class _Body:
    """A body that can be read again from its beginning."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: deque[Message] = deque()

    async def value(self) -> Any:
        """Return the whole body as JSON; raises `_UnclearError`."""
        parts, more = [], True
        while more:
            message = await self._receive()
            self._read.append(message)
            if message["type"] != "http.request":
                raise _UnclearError
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        try:
            value = json.loads(b"".join(parts))
        except (ValueError, RecursionError) as error:  # if it is meant as JSON, FastAPI says so
            raise _UnclearError from error
        if fault_of(value) is not None:
            raise _UnclearError
        return value

    async def again(self) -> Message:
        """Return the messages from the first one on."""
        return self._read.popleft() if self._read else await self._receive()
