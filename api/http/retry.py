"""Once more, where a transaction failed and nobody is at fault."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from db.engine import is_worth_another_try

_TRIES = 3

log = structlog.get_logger()


class RetriedRoute(APIRoute):
    """A route that runs again if its transaction collides with another, or its server changes.

    A body that is streamed can be read only once; then the caller has to repeat the call.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with its further tries around it."""
        handler = super().get_route_handler()

        async def tried(request: Request) -> Response:
            for _ in range(_TRIES - 1):
                try:
                    return await handler(request)
                except Exception as error:
                    if not is_worth_another_try(error) or _is_spent(request):
                        raise
                    log.info("http.tried_again", path=self.path)
            return await handler(request)

        return tried


def _is_spent(request: Request) -> bool:
    is_kept = hasattr(request, "_body") or request._form is not None  # noqa: SLF001
    return request._stream_consumed and not is_kept  # noqa: SLF001
