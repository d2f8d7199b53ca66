"""The HTTP application with its routes, console and middleware."""

from fastapi import FastAPI

from api import console
from api.deps import Services
from api.http import errors, openapi
from api.http.direct import Direct
from api.http.middleware import BodyForms, Heads, Observer, PayloadLimit
from api.http.public import PublicPages
from api.http.traced import Traced
from api.http.under import UnderPath
from api.routes import (
    actions,
    archives,
    authors,
    batches,
    by_hand,
    calibrations,
    check,
    connector,
    forums,
    health,
    hooks,
    ladder,
    outcomes,
    pairs,
    questions,
    reading,
    review,
    rising,
    search,
    webhooks,
    widget,
)
from api.settings import ApiSettings
from db.engine import Sessions
from worker.queue import Queue

_DESCRIPTION = """Tells a forum which of its questions have been asked before.

Send questions and read their duplicates a moment later, or check a text that is not stored. Every
error is `application/problem+json`; if a call may be tried again, `Retry-After` says when.
"""


def create_app(settings: ApiSettings, sessions: Sessions, queue: Queue) -> FastAPI:
    """Return the application on the given database and queue."""
    services = Services(settings, sessions, queue)
    app = FastAPI(
        title="askedbefore",
        version="1",
        description=_DESCRIPTION,
        # FastAPI's own pages load scripts from other hosts: only the JSON is served.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Its own spans hold whole addresses, and so tokens; its logs the messages of errors.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    for module in (
        questions,
        batches,
        check,
        outcomes,
        pairs,
        actions,
        ladder,
        archives,
        review,
        by_hand,
        rising,
        connector,
        hooks,
        search,
        webhooks,
        calibrations,
        forums,
        authors,
        health,
        widget,
        reading,
    ):
        app.include_router(module.router)
    app.include_router(console.router)
    console.mount_static(app)
    errors.add_handlers(app)
    openapi.describe(app, path=settings.path)
    # The last one added is the outermost.
    app.add_middleware(
        PayloadLimit,
        limit=settings.max_payload_bytes,
        archive_limit=settings.max_archive_bytes,
    )
    app.add_middleware(BodyForms)
    app.add_middleware(PublicPages)
    app.add_middleware(Heads)
    app.add_middleware(Direct, routes=questions.router.routes, limit=settings.max_payload_bytes)
    app.add_middleware(Observer, metrics=services.metrics)
    if settings.traces:
        app.add_middleware(Traced)
    if settings.path:
        app.add_middleware(UnderPath, path=settings.path)
    return app
