"""The path under which a proxy shows the service beside other pages, such as ``/askedbefore``.

Whether the proxy takes the path off or passes it on, the service sees its own paths alone; the path
is put in front of what browsers follow: links, redirects, cookies.
"""

from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_path: ContextVar[str] = ContextVar("path_of_the_service", default="")


def here(path: str) -> str:
    """Return one of the service's own paths as browsers know it, in the request at hand."""
    return _path.get() + path


class UnderPath:
    """Takes the path off what comes, and puts it in front of where redirects lead."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app, self._path = app, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as if the service had a host name of its own."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = _path.set(self._path)
        try:
            await self._app(self._inside(scope), receive, self._leading_back(send))
        finally:
            _path.reset(token)

    def _inside(self, scope: Scope) -> Scope:
        path: str = scope["path"]
        if path != self._path and not path.startswith(f"{self._path}/"):
            return scope
        raw: bytes = scope.get("raw_path") or path.encode()
        return {
            **scope,
            "path": path.removeprefix(self._path) or "/",
            "raw_path": raw.removeprefix(self._path.encode()) or b"/",
        }

    def _leading_back(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                target = headers.get("location", "")
                if target.startswith("/") and not target.startswith("//"):
                    headers["location"] = self._path + target
            await send(message)

        return sending
