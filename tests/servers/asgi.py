"""Calls an ASGI application without a server and without a thread."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class Called:
    """What an application did with one request."""

    sent: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent[1:])


@dataclass(slots=True)
class Inner:
    """The application behind a middleware: notes what reaches it, and answers the same always."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = (b"in", b"ner")
    scopes: list[Scope] = field(default_factory=list)
    got: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        while (message := await receive()).get("more_body") or message.get("body"):
            self.got += message["body"]
            if not message.get("more_body"):
                break
        headers = [(name.lower().encode(), text.encode()) for name, text in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for place, piece in enumerate(self.pieces, start=1):
            more = place < len(self.pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def scope_of(path: str = "/", method: str = "GET", *, kind: str = "http", **headers: str) -> Scope:
    """Return a request; ``content_type`` is the header Content-Type."""
    found = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": kind, "method": method, "path": path, "headers": found, "state": {}}


def call(app: ASGIApp, scope: Scope, *pieces: bytes) -> Called:
    """Send a request with these pieces of a body."""
    called, waiting = Called(), list(pieces or (b"",))

    async def receive() -> dict[str, Any]:
        piece = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        called.sent.append(message)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # every application is one
    return called
