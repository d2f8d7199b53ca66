"""`/docs`: the description of the API to read, where the operator serves it; without any script."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.console.rendering.render import page
from api.deps import Settings
from api.http.texts import CheckedRoute
from db.errors import NotFoundError

router = APIRouter(include_in_schema=False, tags=["health"], route_class=CheckedRoute)


class NotServedError(NotFoundError):
    """There is no such page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call of the API, as it is described."""

    method: str
    path: str
    summary: str
    description: str
    tag: str
    parameters: list[Mapping[str, Any]]
    body: str | None
    answers: list[tuple[str, str]]


@router.get("/docs")
def docs(request: Request, settings: Settings) -> Response:
    """Show every call with its parameters, bodies and answers."""
    if not settings.serve_docs:
        raise NotServedError
    description = request.app.openapi()
    schemas = description["components"]["schemas"]
    return page(
        "docs.html",
        version=description["info"]["version"],
        operations=sorted(_operations(description), key=lambda one: (one.tag, one.path)),
        schemas={name: json.dumps(schemas[name], indent=2) for name in sorted(schemas)},
    )


def _operations(description: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in description["paths"].items():
        for method, one in methods.items():
            yield Operation(
                method=method.upper(),
                path=path,
                summary=one.get("summary", ""),
                description=one.get("description", ""),
                tag=(one.get("tags") or [""])[0],
                parameters=one.get("parameters", []),
                body=_content(one.get("requestBody", {})),
                answers=[
                    (status, _content(answer) or answer.get("description", ""))
                    for status, answer in sorted(one["responses"].items())
                ],
            )


def _content(part: Mapping[str, Any]) -> str | None:
    """Return the name of the schema of a body, or its media type."""
    for media_type, content in part.get("content", {}).items():
        reference = content.get("schema", {}).get("$ref", "")
        return reference.rpartition("/")[2] or str(media_type)
    return None
