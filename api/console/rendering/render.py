"""HTML from templates: everything escaped, nothing inline, and a content security policy."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.console.rendering import words
from api.http.under import here
from db.wording import counted

_HERE = Path(__file__).parents[1]
_STATIC = _HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _static_version() -> str:
    digest = hashlib.sha256()
    for path in sorted(_STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


STATIC_URL = f"/console/static/{_static_version()}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "ago": words.ago,
        "counted": counted,
        "duration": words.duration,
        "facts": words.facts,
        "hue": words.hue,
        "initials": words.initials,
        "number": words.number,
        "status": words.status_words,
    }
    environment.globals |= {"static": STATIC_URL, "here": here}
    return environment


_templates = _environment()


def html(template: str, **context: Any) -> str:
    """Return a template as text."""
    return _templates.get_template(template).render(context)


def page(
    template: str,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return a template as an answer with the console's security policy and further *headers*."""
    fixed = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html(template, **context), status, {**fixed, **(headers or {})})


class _Forever(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        # The address has a digest of the files, so its content never changes.
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount_static(app: FastAPI) -> None:
    """Serve the console's style and scripts from *app*."""
    app.mount(STATIC_URL, _Forever(directory=_STATIC), name="console-static")
