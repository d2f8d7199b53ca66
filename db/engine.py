"""Database connections: one engine for each process, made at its entry point and passed down."""

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from db.settings import DatabaseSettings

Sessions = sessionmaker[Session]


def make_engine(settings: DatabaseSettings) -> Engine:
    """Return an engine that checks connections before use; statements have a time limit."""
    return create_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error must not carry a question's text into a log
        connect_args={
            "connect_timeout": 5,
            "options": " ".join(f"-c {name}={value}" for name, value in _options(settings)),
            "application_name": "askedbefore",
        },
    )


def _options(settings: DatabaseSettings) -> list[tuple[str, str]]:
    return [
        ("statement_timeout", f"{settings.statement_timeout_s}s"),
        ("idle_in_transaction_session_timeout", f"{settings.idle_transaction_timeout_s}s"),
        ("timezone", "UTC"),
    ]


def make_sessions(engine: Engine) -> Sessions:
    """Return the factory that opens every transaction: ``with sessions.begin() as session``."""
    return sessionmaker(engine, expire_on_commit=False)
