"""A span for each request, named by its route: no id and no token of an address is in it."""

from collections.abc import Sequence
from http import HTTPStatus

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy.orm import Session
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.outbox import events
from worker.process.tracing import TRACER, links_to

_UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})


class Traced:
    """Continues the trace that the caller names, or begins a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within a span."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        came_with = propagate.extract(dict(Headers(scope=scope)))
        with TRACER.start_as_current_span(method, context=came_with, kind=SpanKind.SERVER) as span:

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, sending)
            finally:
                route = str(getattr(scope.get("route"), "path", "unmatched"))
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.route": route, "http.request.method": method})


def follow_flags(session: Session, pair_ids: Sequence[int]) -> None:
    """Link the current request, if it is traced, to the traces that flagged these pairs."""
    span = trace.get_current_span()
    if span.is_recording():
        for link in links_to(events.traces_of(session, pair_ids)):
            span.add_link(link.context)
