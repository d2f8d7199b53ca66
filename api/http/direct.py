"""Calls an endpoint without FastAPI's solver, which takes as long as the rest of a short call.

FastAPI works out anew for each request what an endpoint takes from where. Here that is worked out
once, from FastAPI's own description of the endpoint and with its own validators. Only requests that
are plainly right are answered so: with anything else FastAPI does the same request from the start,
so its errors are the only ones. Endpoints that ask for more than a plan knows are left to it too.
"""

from collections.abc import Callable, Coroutine, Sequence
from copy import deepcopy
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Self

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from db.errors import InvalidInputError

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


class DirectRoute(APIRoute):
    """A route whose endpoint is called directly where that is possible."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with FastAPI's own behind it."""
        handler, answered = super().get_route_handler(), self.response_field
        plan = None if self._embed_body_fields else _Plan.of(self.dependant)
        if plan is None or answered is None or self.status_code is not None:
            return handler

        async def direct(request: Request) -> Response:
            said = Response()
            del said.headers["content-length"]
            try:
                body = None if plan.body is None else await _body(request)
                answer = await plan.answer(request, said, body)
            except _UnclearError:
                return await handler(request)
            given = Response(answered.serialize_json(answer), said.status_code, media_type=_JSON)
            given.headers.raw.extend(said.headers.raw)
            return given

        return direct


async def _body(request: Request) -> Any:
    try:
        return await request.json()
    except HTTPException:  # of a body that is too large
        raise
    except (ValueError, InvalidInputError) as error:  # if it is meant as JSON, FastAPI says so
        raise _UnclearError from error
