"""Runs the API on a real socket, in a thread, for tests that a test client cannot do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.http.heads import LimitedHeads
from cli.running.service import wait_until


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve *app* for the block; yields its URL."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", timeout_graceful_shutdown=5, http=LimitedHeads
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_s=60, pause_s=0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
