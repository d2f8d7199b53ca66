"""What the server starts: the application with the settings of the environment."""

from fastapi import FastAPI

from api.app import create_app
from api.settings import ApiSettings
from db.engine import make_engine, make_sessions
from db.settings import DatabaseSettings
from worker.process.logs import configure_logs
from worker.queue import CeleryQueue


def build_app() -> FastAPI:
    """Return the application; raises pydantic's `ValidationError` for unsafe settings."""
    configure_logs()
    settings = ApiSettings()
    sessions = make_sessions(make_engine(DatabaseSettings()))
    return create_app(settings, sessions, CeleryQueue(settings.redis_url.get_secret_value()))
