"""Runs a request once more if its transaction failed by no fault of the caller."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from db.engine import Tries

FIRST_TRY = "askedbefore.first_try"
"""Where a request's scope has the error of a try that was made before the request came here."""

log = structlog.get_logger()


class RetriedRoute(APIRoute):
    """A route that runs again if its transaction collides with another, or its server changes.

    A body that is streamed can be read only once; then the caller has to repeat the call.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its further tries around it."""
        handler = super().get_route_handler()

        async def tried(request: Request) -> Response:
            tries = Tries()
            while True:
                try:
                    _raise_met(request)
                    return await handler(request)
                except Exception as error:
                    if _is_spent(request) or not tries.is_another_due(error):
                        raise
                    log.info("http.tried_again", path=self.path)

        return tried


def _raise_met(request: Request) -> None:
    met: Exception | None = request.scope.pop(FIRST_TRY, None)
    if met is not None:
        raise met


def _is_spent(request: Request) -> bool:
    is_kept = hasattr(request, "_body") or request._form is not None  # noqa: SLF001
    return request._stream_consumed and not is_kept  # noqa: SLF001
