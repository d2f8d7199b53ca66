"""Completes the OpenAPI document: each error as a problem, as the API really answers it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from api.http.errors import MEDIA_TYPE
from api.http.problems import Problem

_EVERYWHERE = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_WITH_KEY = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_WITH_BODY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
_STORING = (HTTPStatus.TOO_MANY_REQUESTS,)
_RETRY = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}}
_PREFIX = "/v1/"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def conflict(description: str) -> dict[int | str, dict[str, Any]]:
    """Return, for the ``responses`` of a route, that it answers 409 and when."""
    return {HTTPStatus.CONFLICT: {"description": description, "content": _PROBLEM}}


def refusals(refused: Mapping[HTTPStatus, str]) -> dict[int | str, dict[str, Any]]:
    """Return, for the ``responses`` of a route, its own problems and when they are answered."""
    found: dict[int | str, dict[str, Any]] = {}
    for status, description in refused.items():
        found[status] = {"description": description, "content": _PROBLEM}
        if status is HTTPStatus.INSUFFICIENT_STORAGE:
            found[status]["headers"] = _RETRY
    return found


def describe(app: FastAPI, *, path: str) -> None:
    """Make `/openapi.json` name every status and media type that a call can answer with."""
    generate = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            _add_problems(schema)
            if path:
                schema["servers"] = [{"url": path}]
        return generate()

    app.openapi = complete  # type: ignore[method-assign]


def _add_problems(schema: dict[str, Any]) -> None:
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in schema["paths"].items():
        if path.startswith(_PREFIX):
            for operation in operations.values():
                _add_to_operation(operation)


def _add_to_operation(operation: dict[str, Any]) -> None:
    statuses = [*_EVERYWHERE, *_WITH_KEY]
    if "requestBody" in operation:
        statuses += [*_WITH_BODY, *_STORING]
    for status in statuses:
        answer: dict[str, Any] = {"description": status.phrase, "content": _PROBLEM}
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            answer["headers"] = _RETRY
        operation["responses"][str(status.value)] = answer
