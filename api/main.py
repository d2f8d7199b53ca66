"""What the server starts: the application with the settings of the environment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from worker.process import alive, tracing
from worker.process.logs import configure_logs
from worker.process.pace import set_pace
from worker.queue import CeleryQueue
from worker.text import language

_TELL_S = 10


def build_app() -> FastAPI:
    """Return the application; raises pydantic's `ValidationError` for unsafe settings."""
    configure_logs()
    settings = ApiSettings()
    sessions = make_sessions(make_engine(DatabaseSettings()))
    if settings.traces:
        tracing.set_up("api")
        tracing.note_in(sessions)
    app = create_app(settings, sessions, CeleryQueue(settings.redis_url.get_secret_value()))
    app.router.lifespan_context = _told
    return app


@asynccontextmanager
async def _told(_: FastAPI) -> AsyncIterator[None]:
    """Report to systemd, if it started this process, that it is ready and runs."""

    async def tell() -> None:
        while True:
            alive.tell(None)
            await asyncio.sleep(_TELL_S)

    telling = asyncio.create_task(tell())
    getting_ready = asyncio.create_task(asyncio.to_thread(_get_ready))
    try:
        yield
    finally:
        telling.cancel()
        await getting_ready


def _get_ready() -> None:
    language.get_ready()
    set_pace()
